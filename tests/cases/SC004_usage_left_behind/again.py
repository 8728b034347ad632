from hermes_state import SessionDB

db = SessionDB()
db.update_token_counts("bees", input_tokens=50, output_tokens=5, model="example/model-1")
db.close()
