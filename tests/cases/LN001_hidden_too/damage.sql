UPDATE sessions SET parent_session_id = 'parent', model_config = '{"_delegate_from":"parent"}';
