from tenants.views.organizations import (
    OrganizationCreate,
    OrganizationDelete,
    OrganizationExport,
    OrganizationList,
    OrganizationRecord,
    OrganizationUpdate,
)
from tenants.views.profiles import (
    UserProfileCreate,
    UserProfileDelete,
    UserProfileDetail,
    UserProfileExport,
    UserProfileList,
    UserProfileUpdate,
)
from tenants.views.tab_pages import (
    TABS,
    OrganizationAgents,
    OrganizationCalls,
    OrganizationLedger,
    OrganizationNumbers,
    OrganizationOverview,
)

__all__ = [
    "TABS",
    "OrganizationAgents",
    "OrganizationCalls",
    "OrganizationCreate",
    "OrganizationDelete",
    "OrganizationExport",
    "OrganizationLedger",
    "OrganizationList",
    "OrganizationNumbers",
    "OrganizationOverview",
    "OrganizationRecord",
    "OrganizationUpdate",
    "UserProfileCreate",
    "UserProfileDelete",
    "UserProfileDetail",
    "UserProfileExport",
    "UserProfileList",
    "UserProfileUpdate",
]
