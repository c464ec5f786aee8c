"""How long a question about the settings of all agents takes: its first page and its values in use.

    python bench/generate.py --place var/bench-agents --tenants 4000 --agents 20000
    python bench/questions.py --place var/bench-agents

The agents get configurations in all shapes first, a prompt of 4,000 characters in each.
"""

import argparse
import statistics
import time
from pathlib import Path

import database

QUESTIONS = {
    "all agents": "",
    "model is": "where_setting=llm_model&where_is=is&where_value=gpt-4o",
    "models in use": "values=llm_model",
    "webhook hosts in use": "values=webhook_host",
    "MCP servers in use": "values=enabled_mcp_servers",
    "prompt contains": "where_setting=system_prompt&where_is=contains&where_value=nowhere",
    "any cannot be served": "where_setting=any&where_is=unserved",
    "any has copies that differ": "where_setting=any&where_is=drifts",
    "three conditions": "where_setting=llm_model&where_is=begins&where_value=gpt&and__setting=temperature"
    "&and__is=less&and__value=1&and_also_setting=webhook_host&and_also_is=is&and_also_value=hooks.example.com",
}
SHAPES = """
update public.agents set config = case mod(n, 5)
    when 0 then null
    when 1 then flat
    when 2 then builder
    when 3 then builder || flat
    else jsonb_build_object('name', 'Desk', 'config', builder || flat) end
from (select id, n, jsonb_build_object('llm_model', llm_model, 'temperature', 0.4, 'system_prompt', prompt,
             'webhook_url', 'https://' || case when mod(n, 3) = 0 then 'hooks' else 'api' end || '.example.com/in',
             'enabled_mcp_servers', jsonb_build_array('weather', 'calendar')) as flat,
           jsonb_build_object('model', 'gemini-pro', 'systemInstruction', prompt, 'maxReplyTokens', 150,
             'voice', jsonb_build_object('name', 'Nova', 'speed', 1.0)) as builder
      from (select id, row_number() over (order by id) as n, llm_model, repeat(md5(id::text), 125) as prompt
            from public.agents) numbered) made
where made.id = agents.id
"""


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--place", type=Path, default=database.PLACE)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    from backoffice.embedded import EmbeddedPostgres

    with EmbeddedPostgres(options.place) as server:
        if not server.has_database(database.NAME):
            raise SystemExit("There is no such database: run bench/generate.py first.")
        with server.connect(database.NAME, "postgres") as owner:
            owner.execute("alter table public.agents disable trigger user")
            owner.execute(SHAPES)
            owner.execute("alter table public.agents enable trigger user")
            owner.execute("analyze public.agents")
        database.point_django_at(server)
        measure(server, options.rounds)


def measure(server, rounds):
    from django.conf import settings
    from django.core.management import call_command
    from search import signed_in

    from agents.models import Agent
    from backoffice import schema

    schema.apply_all(server, database.NAME)
    call_command("migrate", verbosity=0)
    settings.ALLOWED_HOSTS = ["testserver"]
    settings.MESSAGE_STORAGE = "django.contrib.messages.storage.cookie.CookieStorage"
    settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
    client = signed_in()
    print(f"{Agent.objects.count():,} agents\n{'question':<30}{'median ms':>10}{'slowest':>9}")
    for name, query in QUESTIONS.items():
        client.get(f"/agents/settings/?{query}")
        times = []
        for _ in range(rounds):
            began = time.perf_counter()
            response = client.get(f"/agents/settings/?{query}")
            times.append((time.perf_counter() - began) * 1000)
            assert response.status_code == 200, response.status_code
        print(f"{name:<30}{statistics.median(times):>10.0f}{max(times):>9.0f}", flush=True)


if __name__ == "__main__":
    main()
