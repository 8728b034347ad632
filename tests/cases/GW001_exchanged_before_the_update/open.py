from rows import db

db.close()
