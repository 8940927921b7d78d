from django.urls import path

from . import views

urlpatterns = [
    path("", views.front),
    path("up", views.up),
    path("secret-check", views.secret_check),
]
