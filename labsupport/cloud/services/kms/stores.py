"""Custom key stores need a CloudHSM cluster or an external key manager: none can be made here, so there is none."""

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import not_simulated
from labsupport.cloud.services.kms.base import Params, service
from labsupport.cloud.services.kms.keys import no_store


@service.operation()
def create_custom_key_store(call: Call, params: Params) -> Params:
    raise not_simulated("A custom key store (a CloudHSM cluster or an external key manager)")


@service.operation()
def describe_custom_key_stores(call: Call, params: Params) -> Params:
    if name := params.get("CustomKeyStoreId") or params.get("CustomKeyStoreName"):
        raise no_store(name)
    return {"CustomKeyStores": [], "Truncated": False}


@service.operation()
def connect_custom_key_store(call: Call, params: Params) -> Params:
    raise no_store(params["CustomKeyStoreId"])


@service.operation()
def disconnect_custom_key_store(call: Call, params: Params) -> Params:
    raise no_store(params["CustomKeyStoreId"])


@service.operation()
def delete_custom_key_store(call: Call, params: Params) -> Params:
    raise no_store(params["CustomKeyStoreId"])


@service.operation()
def update_custom_key_store(call: Call, params: Params) -> Params:
    raise no_store(params["CustomKeyStoreId"])
