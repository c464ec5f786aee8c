"""What the worker looks up every five minutes, once: signs of the tenants' health, their spending, and conflicts of
numbers and trunks, without which pages of a database that no worker follows would have less to show.

python -m bench.speed.looking           # DATABASE_URL, SECRET_KEY, DJANGO_SETTINGS_MODULE
"""


def main():
    import django

    django.setup()
    from telephony import conflicts
    from tenants import attention, forecast

    attention.refresh()
    forecast.refresh(timeout="10min")
    conflicts.look()


if __name__ == "__main__":
    main()
