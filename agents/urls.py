from django.urls import path

from agents import views

app_name = "agents"
urlpatterns = [
    path("agents/", views.AgentList.as_view(), name="agent_list"),
    path("agents/add/", views.AgentCreate.as_view(), name="agent_add"),
    path("agents/<uuid:pk>/", views.AgentDetail.as_view(), name="agent_detail"),
    path("agents/<uuid:pk>/edit/", views.AgentUpdate.as_view(), name="agent_edit"),
    path("agents/<uuid:pk>/delete/", views.AgentDelete.as_view(), name="agent_delete"),
    path("conversations/", views.ConversationList.as_view(), name="conversation_list"),
    path("conversations/counts/", views.ConversationCounts.as_view(), name="conversation_counts"),
    path("conversations/messages/export/", views.TurnExport.as_view(), name="turn_export"),
    path("sessions/", views.AgentSessionList.as_view(), name="agentsession_list"),
    path("sessions/<uuid:pk>/", views.AgentSessionDetail.as_view(), name="agentsession_detail"),
    path("sessions/<uuid:pk>/reveal/", views.AgentSessionReveal.as_view(), name="agentsession_reveal"),
    path("sessions/<uuid:pk>/close/", views.AgentSessionClose.as_view(), name="agentsession_close"),
    path("sessions/<uuid:pk>/delete/", views.AgentSessionDelete.as_view(), name="agentsession_delete"),
    path("messages/", views.AgentMessageList.as_view(), name="agentmessage_list"),
    path("messages/<uuid:pk>/", views.AgentMessageDetail.as_view(), name="agentmessage_detail"),
    path(
        "messages/<uuid:pk>/recording/", views.AgentMessageRecording.as_view(), name="agentmessage_recording"
    ),
    path("chats/", views.ChatSessionList.as_view(), name="chatsession_list"),
    path("chats/<uuid:pk>/", views.ChatSessionDetail.as_view(), name="chatsession_detail"),
    path("chats/<uuid:pk>/reveal/", views.ChatSessionReveal.as_view(), name="chatsession_reveal"),
    path("chats/<uuid:pk>/delete/", views.ChatSessionDelete.as_view(), name="chatsession_delete"),
    path("chat-messages/", views.ChatMessageList.as_view(), name="chatmessage_list"),
    path("chat-messages/<uuid:pk>/", views.ChatMessageDetail.as_view(), name="chatmessage_detail"),
]
