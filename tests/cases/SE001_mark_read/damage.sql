UPDATE sessions SET model_config = substr(model_config, 1, length(model_config) - 3) WHERE id = 'lake';
