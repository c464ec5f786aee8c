"""What a month cost, cut by organization, agent, model, channel or number."""
