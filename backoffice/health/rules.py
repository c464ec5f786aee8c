"""Every rule about rows, by name, in the order in which pages show them."""

from functools import cache

from backoffice.health import oddity_rules, orphan_rules, setting_rules


@cache
def all_rules():
    """{name: Rule}. Asked for once the models are loaded, from which known values are taken."""
    rules = [
        *orphan_rules.RULES,
        *oddity_rules.RULES,
        *setting_rules.RULES,
        *oddity_rules.value_rules(),
    ]
    return {rule.name: rule for rule in rules}
