from django.contrib import admin

from .models import Product, Summary, Tick, Upload


@admin.register(Product)
class ProductAdmin(admin.ModelAdmin):
    list_display = ("name", "price")
    search_fields = ("name",)


@admin.register(Upload)
class UploadAdmin(admin.ModelAdmin):
    list_display = ("__str__", "created")


@admin.register(Summary, Tick)
class RecordAdmin(admin.ModelAdmin):
    """Written by tasks, read by people."""

    list_display = ("__str__", "created")

    def has_add_permission(self, *_: object) -> bool:
        return False

    def has_change_permission(self, *_: object) -> bool:
        return False
