from django.db import models


class Beat(models.Model):
    created = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.created.isoformat()
