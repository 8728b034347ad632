UPDATE sessions SET model_config = substr(model_config, 1, length(model_config) - 8) WHERE id = 'boat';
