from pathlib import PurePath

from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.core.validators import FileExtensionValidator
from django.db import models

PICTURES = ["gif", "jpeg", "jpg", "png", "webp"]
UPLOAD_LIMIT = 2 * 1024 * 1024


def validate_size(file: UploadedFile) -> None:
    if file.size > UPLOAD_LIMIT:
        raise ValidationError("The file is larger than 2 MiB.")


class Product(models.Model):
    name = models.CharField(max_length=100, unique=True)
    price = models.DecimalField(max_digits=8, decimal_places=2)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class Upload(models.Model):
    # No SVG and no HTML: they would run as a page of this site.
    file = models.FileField(
        upload_to="uploads/", validators=[FileExtensionValidator([*PICTURES, "pdf", "txt"]), validate_size]
    )
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return PurePath(self.file.name).name

    def is_picture(self) -> bool:
        return PurePath(self.file.name).suffix.lower()[1:] in PICTURES


class Summary(models.Model):
    """What the task of the same name found."""

    created = models.DateTimeField(auto_now_add=True)
    products = models.PositiveIntegerField()
    total = models.DecimalField(max_digits=12, decimal_places=2)

    class Meta:
        ordering = ("-id",)
        verbose_name_plural = "summaries"

    def __str__(self) -> str:
        return f"{self.products} products, together {self.total}"


class Tick(models.Model):
    """Written by beat's schedule, through a worker."""

    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return self.created.isoformat(timespec="seconds")
