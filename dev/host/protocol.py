"""The worker's messages as plain records.

In Azure, host and worker exchange protobuf messages
(Azure/azure-functions-language-worker-protobuf, FunctionRpc.proto). The worker library only builds
them, reads their fields and asks which one of a oneof is set, so records will do.
"""

from types import SimpleNamespace
from typing import Any

Record = SimpleNamespace

NAMES = """BindingInfo FunctionLoadResponse FunctionMetadataResponse InvocationResponse NullableBool
    NullableDouble NullableString NullableTimestamp ParameterBinding RpcException
    RpcFunctionMetadata RpcHttp RpcHttpCookie RpcRetryOptions StatusResult Timestamp TypedData
    WorkerInitResponse WorkerMetadata"""


class Message(Record):
    """Keyword fields; a field that was not given does not exist."""

    def WhichOneof(self, group: str) -> str | None:  # noqa: N802 (protobuf's name)
        return next((field for field in vars(self) if field != "name"), None)


def messages() -> Any:
    """The namespace that the library knows as `protos`: one class per message, and the enumerations
    it compares with.
    """
    kinds = {name: type(name, (Message,), {"__module__": __name__}) for name in NAMES.split()}
    globals().update(
        kinds
    )  # where pickle looks for them: they travel between host and worker process
    protos = Record(**kinds)
    protos.BindingInfo.undefined, protos.BindingInfo.out, protos.BindingInfo.inout = 0, 1, 2
    protos.StatusResult.Failure, protos.StatusResult.Success = 0, 1
    protos.RpcHttpCookie.SameSite = Record(**{"None": 0, "Lax": 1, "Strict": 2, "ExplicitNone": 3})
    return protos


protos = messages()
TypedData = protos.TypedData


def content(data: Any) -> Any:
    """The value of a TypedData, whichever kind it is; None when it is empty."""
    kind = data.WhichOneof("data") if data is not None else None
    return getattr(data, kind) if kind else None
