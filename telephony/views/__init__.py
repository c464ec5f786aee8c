from telephony.views.calls import CallLogCorrect, CallLogDetail, CallLogList, CallLogMarkStale, CallRecording
from telephony.views.conflicts import ConflictDetail, ConflictList
from telephony.views.moving import PhoneNumberMove
from telephony.views.numbers import (
    CallCheck,
    PhoneNumberCheck,
    PhoneNumberCreate,
    PhoneNumberDelete,
    PhoneNumberDetail,
    PhoneNumberList,
    PhoneNumberReactivate,
    PhoneNumberRelease,
    PhoneNumberUpdate,
)
from telephony.views.trunks import (
    SipTrunkCreate,
    SipTrunkDelete,
    SipTrunkDetail,
    SipTrunkList,
    SipTrunkPassword,
    SipTrunkRemovePassword,
    SipTrunkUpdate,
)

__all__ = [
    "CallCheck",
    "CallLogCorrect",
    "CallLogDetail",
    "CallLogList",
    "CallLogMarkStale",
    "CallRecording",
    "ConflictDetail",
    "ConflictList",
    "PhoneNumberCheck",
    "PhoneNumberCreate",
    "PhoneNumberDelete",
    "PhoneNumberDetail",
    "PhoneNumberList",
    "PhoneNumberMove",
    "PhoneNumberReactivate",
    "PhoneNumberRelease",
    "PhoneNumberUpdate",
    "SipTrunkCreate",
    "SipTrunkDelete",
    "SipTrunkDetail",
    "SipTrunkList",
    "SipTrunkPassword",
    "SipTrunkRemovePassword",
    "SipTrunkUpdate",
]
