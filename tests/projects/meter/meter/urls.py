from django.urls import path

from . import views

urlpatterns = [
    path("", views.front),
    path("health/", views.health),
    path("slow/", views.slow),
    path("note/", views.note),
    path("queue/", views.queue),
    path("hold/", views.hold),
    path("end/", views.end),
    path("runs/", views.runs),
    path("ticks/", views.ticks),
]
