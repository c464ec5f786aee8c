from tenants.views.organizations import (
    OrganizationCreate,
    OrganizationDelete,
    OrganizationDetail,
    OrganizationExport,
    OrganizationList,
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

__all__ = [
    "OrganizationCreate",
    "OrganizationDelete",
    "OrganizationDetail",
    "OrganizationExport",
    "OrganizationList",
    "OrganizationUpdate",
    "UserProfileCreate",
    "UserProfileDelete",
    "UserProfileDetail",
    "UserProfileExport",
    "UserProfileList",
    "UserProfileUpdate",
]
