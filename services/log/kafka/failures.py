"""What Kafka's clients raise, as errors of ours."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from aiokafka import errors as aio
from kafka import errors as sync

from services.errors import Misconfigured, Unavailable
from services.log.kafka.address import Address

_WRONG: Final = (
    aio.AuthenticationFailedError,
    aio.AuthenticationMethodNotSupported,
    aio.ClusterAuthorizationFailedError,
    aio.IncompatibleBrokerVersion,
    aio.InvalidTopicError,
    aio.MessageSizeTooLargeError,
    aio.RecordListTooLargeError,
    aio.RecordTooLargeError,
    aio.TopicAuthorizationFailedError,
    aio.UnsupportedCodecError,
    aio.UnsupportedVersionError,
    sync.SaslAuthenticationFailedError,
    sync.ClusterAuthorizationFailedError,
    sync.IncompatibleBrokerVersion,
    sync.InvalidConfigurationError,
    sync.InvalidPartitionsError,
    sync.InvalidReplicationFactorError,
    sync.InvalidTopicError,
    sync.PolicyViolationError,
    sync.TopicAuthorizationFailedError,
    sync.UnsupportedVersionError,
)
"""What trying again does not mend."""
_AWAY: Final = (aio.KafkaError, sync.KafkaError, OSError, TimeoutError)


@contextmanager
def converted(address: Address) -> Iterator[None]:
    """Raise ``Misconfigured`` and ``Unavailable`` for what Kafka's clients raise in the block."""
    try:
        yield
    except _WRONG as cause:
        raise Misconfigured(f"{address} refuses us: {_said(cause)}") from cause
    except _AWAY as cause:
        raise Unavailable(f"{address} did not answer: {_said(cause)}") from cause


def _said(cause: Exception) -> str:
    text = str(cause)
    name = type(cause).__name__
    return text if name in text else f"{name} {text}".rstrip()
