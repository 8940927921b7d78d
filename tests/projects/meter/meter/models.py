from django.db import models


class Note(models.Model):
    """What a POST leaves."""

    text = models.CharField(max_length=100)


class Run(models.Model):
    """One run of a task."""

    number = models.IntegerField()
    ended = models.BooleanField(default=False)


class Tick(models.Model):
    """One tick of beat's schedule."""

    at = models.FloatField()
