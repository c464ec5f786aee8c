from django.apps import AppConfig


class StockConfig(AppConfig):
    name = "bench.speed.stock"
    label = "platform"
