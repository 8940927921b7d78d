from django.urls import path

from . import views

urlpatterns = [
    path("", views.front, name="front"),
    path("upload/", views.upload, name="upload"),
    path("health/", views.health, name="health"),
]
