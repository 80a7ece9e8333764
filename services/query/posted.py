"""Bodies of commands: read as JSON whatever their media type says, and refused by field."""

from typing import Any, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError

from services.edge.shown import content
from services.errors import Malformed, Refused

Asked = TypeVar("Asked", bound=BaseModel)


async def posted(request: Request, model: type[Asked]) -> Asked:
    """The request's body; raises ``Malformed`` for no JSON, ``Refused`` for what does not fit."""
    try:
        return model.model_validate_json(await request.body() or b"{}")
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        if first["type"] == "json_invalid":
            raise Malformed("is no JSON", "send one JSON object", field="body") from error
        field = ".".join(map(str, first["loc"])) or "body"
        shown = repr(first.get("input"))[:100]
        raise Refused(first["msg"].lower(), "see /docs", field=field, value=shown) from error


def body(
    model: type[BaseModel], example: dict[str, Any], *, is_required: bool = True
) -> dict[str, Any]:
    """What /docs says of it: ``openapi_extra`` of a route."""
    return {"requestBody": {"required": is_required, "content": content(model, example=example)}}
