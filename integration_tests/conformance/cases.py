"""The cases: each takes clients of one region, uses its own keys, and checks the answers."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import pytest
from botocore.exceptions import ClientError


@dataclass(frozen=True)
class Services:
    """Clients of one region, with a table, a versioned bucket, a queue, a secret and an archive's bucket."""

    dynamodb: Any
    s3: Any
    sqs: Any
    secrets: Any
    table: str
    bucket: str
    queue_url: str
    secret: str
    archive: str
    put_version: Callable[[str, bytes], str]

    def put(self, pk: str, sk: str = "a", **attributes: dict[str, Any]) -> None:
        self.dynamodb.put_item(TableName=self.table, Item=key(pk, sk) | attributes)

    def get(self, pk: str, sk: str = "a") -> dict[str, Any] | None:
        answer = self.dynamodb.get_item(TableName=self.table, Key=key(pk, sk), ConsistentRead=True)
        found: dict[str, Any] | None = answer.get("Item")
        return found

    def update(self, pk: str, expression: str, values: dict[str, Any], **more: Any) -> None:  # noqa: ANN401 - UpdateItem's
        given = {"ExpressionAttributeValues": values} if values else {}
        self.dynamodb.update_item(TableName=self.table, Key=key(pk, "a"), UpdateExpression=expression, **given, **more)

    def query(self, pk: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - Query's
        values = {":pk": {"S": pk}} | more.pop("values", {})
        answer: dict[str, Any] = self.dynamodb.query(
            TableName=self.table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues=values,
            ConsistentRead=True,
            **more,
        )
        return answer

    def stage(self, version_id: str, value: str = "value") -> None:
        """Put a pending version of the secret."""
        self.secrets.put_secret_value(
            SecretId=self.secret, ClientRequestToken=version_id, SecretString=value, VersionStages=["AWSPENDING"]
        )

    def current(self) -> str:
        return str(self.secrets.get_secret_value(SecretId=self.secret, VersionStage="AWSCURRENT")["VersionId"])

    def fails(self, code: str, call: Callable[[], object]) -> None:
        """Assert that a call is refused with a code."""
        with pytest.raises(ClientError) as refused:
            call()
        assert refused.value.response["Error"]["Code"] == code


def key(pk: str, sk: str = "a") -> dict[str, Any]:
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def number(value: int) -> dict[str, str]:
    return {"N": str(value)}


def a_put_replaces_the_whole_item(of: Services) -> None:
    of.put("replace", old=number(1))
    of.put("replace", new=number(2))
    assert of.get("replace") == key("replace") | {"new": number(2)}


def a_missing_item_has_no_item_in_the_answer(of: Services) -> None:
    assert of.get("missing") is None


def a_condition_on_a_missing_item_sees_no_attribute(of: Services) -> None:
    def put() -> None:
        of.dynamodb.put_item(
            TableName=of.table, Item=key("once"), ConditionExpression="attribute_not_exists(pk)", ReturnValues="NONE"
        )

    put()
    of.fails("ConditionalCheckFailedException", put)
    with pytest.raises(of.dynamodb.exceptions.ConditionalCheckFailedException):
        put()


def a_deletion_whose_condition_fails_deletes_nothing(of: Services) -> None:
    def delete(condition: str, **more: Any) -> None:  # noqa: ANN401 - DeleteItem's
        names = {"ExpressionAttributeNames": {"#n": "n"}}
        of.dynamodb.delete_item(TableName=of.table, Key=key("deletion"), ConditionExpression=condition, **names, **more)

    of.put("deletion", n=number(1))
    two, one = ({"ExpressionAttributeValues": {":n": number(value)}} for value in (2, 1))
    for call in (partial(delete, "#n = :n", **two), partial(delete, "attribute_not_exists(#n)")):
        of.fails("ConditionalCheckFailedException", call)
        assert of.get("deletion") is not None
    delete("#n = :n", **one)
    assert of.get("deletion") is None
    of.fails("ConditionalCheckFailedException", partial(delete, "#n = :n", **one))
    delete("attribute_not_exists(#n)")


def an_object_is_read_by_lines_and_a_missing_one_refused(of: Services) -> None:
    of.s3.put_object(Bucket=of.archive, Key="lines", Body=b"one\ntwo\n\nthree")
    lines = of.s3.get_object(Bucket=of.archive, Key="lines")["Body"].iter_lines()
    assert list(lines) == [b"one", b"two", b"", b"three"]
    of.fails("NoSuchKey", lambda: of.s3.get_object(Bucket=of.archive, Key="no-lines"))


def a_comparison_with_a_missing_attribute_is_false(of: Services) -> None:
    of.put("comparison")
    for comparison in ("n = :n", "n < :n", "n <= :n", "n > :n", "n >= :n", "n BETWEEN :n AND :n"):
        call = partial(of.update, "comparison", "SET x = :n", {":n": number(1)}, ConditionExpression=comparison)
        of.fails("ConditionalCheckFailedException", call)


def a_missing_attribute_is_unequal(of: Services) -> None:
    of.put("unequal")
    of.update("unequal", "SET n = :n", {":n": number(1)}, ConditionExpression="n <> :n")
    of.fails(
        "ConditionalCheckFailedException",
        lambda: of.update("unequal", "SET n = :n", {":n": number(1)}, ConditionExpression="n <> :n"),
    )


def a_comparison_of_two_types_is_false(of: Services) -> None:
    of.put("types", n={"S": "1"})
    of.fails(
        "ConditionalCheckFailedException",
        lambda: of.update("types", "SET x = :n", {":n": number(1)}, ConditionExpression="n = :n OR n < :n"),
    )


def a_condition_asks_for_an_attributes_type(of: Services) -> None:
    of.put("kind", n={"S": "1"})
    condition = {"ConditionExpression": "attribute_type(n, :kind)"}
    call = partial(of.update, "kind", "SET x = :kind", {":kind": {"S": "N"}}, **condition)
    of.fails("ConditionalCheckFailedException", call)
    of.update("kind", "SET x = :kind", {":kind": {"S": "S"}}, **condition)
    of.fails(
        "ConditionalCheckFailedException", partial(of.update, "no-kind", "SET x = :kind", {":kind": {"S": "S"}}, **condition)
    )


def numbers_compare_by_value(of: Services) -> None:
    of.put("numbers", n=number(10))
    of.update("numbers", "SET x = :n", {":n": number(9)}, ConditionExpression="n > :n AND NOT n = :n")


def an_update_creates_adds_and_removes(of: Services) -> None:
    of.update(
        "update", "SET a = :a, b = if_not_exists(b, :b) ADD n :n", {":a": {"S": "x"}, ":b": {"S": "y"}, ":n": number(2)}
    )
    of.update("update", "SET b = if_not_exists(b, :b) REMOVE a ADD n :n", {":b": {"S": "z"}, ":n": number(3)})
    assert of.get("update") == key("update") | {"b": {"S": "y"}, "n": number(5)}


def an_update_returns_what_it_changed(of: Services) -> None:
    of.put("returned", a=number(1), kept=number(1))
    answer = of.dynamodb.update_item(
        TableName=of.table,
        Key=key("returned"),
        UpdateExpression="REMOVE a ADD n :n",
        ExpressionAttributeValues={":n": number(2)},
        ReturnValues="UPDATED_NEW",
    )
    assert answer["Attributes"] == {"n": number(2)}


def an_update_reads_the_item_as_it_was_before(of: Services) -> None:
    of.put("swap", a=number(1), b=number(2))
    of.update("swap", "SET a = b, b = a", {})
    assert of.get("swap") == key("swap") | {"a": number(2), "b": number(1)}


def a_removal_of_nothing_succeeds(of: Services) -> None:
    of.dynamodb.delete_item(TableName=of.table, Key=key("nothing"))
    of.update("bare", "REMOVE a", {})
    assert of.get("bare") == key("bare"), "an update creates the item that it finds missing"


def a_batch_writes_and_deletes(of: Services) -> None:
    of.put("batch", "old")
    requests = [{"PutRequest": {"Item": key("batch", "new")}}, {"DeleteRequest": {"Key": key("batch", "old")}}]
    answer = of.dynamodb.batch_write_item(RequestItems={of.table: requests})
    assert not answer.get("UnprocessedItems")
    assert (of.get("batch", "new"), of.get("batch", "old")) == (key("batch", "new"), None)


def a_batch_of_26_items_is_refused(of: Services) -> None:
    requests = [{"PutRequest": {"Item": key("many", str(place))}} for place in range(26)]
    of.fails("ValidationException", lambda: of.dynamodb.batch_write_item(RequestItems={of.table: requests}))


def a_batch_that_names_a_key_twice_is_refused(of: Services) -> None:
    requests = [{"PutRequest": {"Item": key("twice")}}, {"DeleteRequest": {"Key": key("twice")}}]
    of.fails("ValidationException", lambda: of.dynamodb.batch_write_item(RequestItems={of.table: requests}))


def a_query_answers_in_the_order_of_the_sort_key(of: Services) -> None:
    for sk in ("b", "a", "10", "9"):
        of.put("order", sk)
    assert [item["sk"]["S"] for item in of.query("order")["Items"]] == ["10", "9", "a", "b"]
    assert [item["sk"]["S"] for item in of.query("order", ScanIndexForward=False)["Items"]] == ["b", "a", "9", "10"]


def a_query_is_paged_by_its_limit(of: Services) -> None:
    for place in range(5):
        of.put("pages", str(place))
    first = of.query("pages", Limit=3)
    assert [item["sk"]["S"] for item in first["Items"]] == ["0", "1", "2"]
    rest = of.query("pages", ExclusiveStartKey=first["LastEvaluatedKey"])
    assert ([item["sk"]["S"] for item in rest["Items"]], "LastEvaluatedKey" in rest) == (["3", "4"], False)


def a_filter_follows_the_limit(of: Services) -> None:
    for place in range(4):
        of.put("filter", str(place), n=number(place))
    answer = of.query("filter", Limit=2, FilterExpression="n >= :two", values={":two": number(2)})
    assert (answer["Count"], answer["Items"], "LastEvaluatedKey" in answer) == (0, [], True)


def a_count_answers_with_no_items(of: Services) -> None:
    for place in range(3):
        of.put("count", str(place))
    answer = of.query("count", Select="COUNT")
    assert (answer["Count"], answer.get("Items")) in ((3, None), (3, []))


def a_filtered_count_answers_with_what_was_scanned(of: Services) -> None:
    for place in range(4):
        of.put("scanned", str(place), n=number(place))
    answer = of.query("scanned", Select="COUNT", FilterExpression="n >= :two", values={":two": number(2)})
    assert (answer["Count"], answer["ScannedCount"]) == (2, 4)


def an_update_sets_and_removes_a_map(of: Services) -> None:
    held = {"M": {"ordinal": number(5)}}
    for change, values in (("SET #a = :held", {":held": held}), ("REMOVE #a", {})):
        of.dynamodb.update_item(
            TableName=of.table,
            Key=key("map"),
            UpdateExpression=change,
            ExpressionAttributeNames={"#a": "held"},
            **({"ExpressionAttributeValues": values} if values else {}),
        )
        assert (of.get("map") or {}).get("held") == (held if values else None)


def a_projection_answers_with_what_is_named(of: Services) -> None:
    of.put("projection", n=number(1), m=number(2))
    answer = of.query("projection", ProjectionExpression="sk, #n, z", ExpressionAttributeNames={"#n": "n"})
    assert answer["Items"] == [{"sk": {"S": "a"}, "n": number(1)}]


def an_index_holds_what_has_its_keys(of: Services) -> None:
    of.put("index", "1", file_key={"S": "of-a-file"}, file_order={"S": "1"})
    of.put("index", "2", file_key={"S": "of-a-file"}, file_order={"S": "2"})
    of.put("index", "3", file_key={"S": "of-a-file"})
    answer = of.dynamodb.query(
        TableName=of.table,
        IndexName="by_file",
        KeyConditionExpression="file_key = :file",
        ExpressionAttributeValues={":file": {"S": "of-a-file"}},
        ScanIndexForward=False,
    )
    assert [item["sk"]["S"] for item in answer["Items"]] == ["2", "1"]


def each_version_is_read_by_its_id(of: Services) -> None:
    first, second = of.put_version("incoming/versions", b"one"), of.put_version("incoming/versions", b"second")
    for version, body in ((first, b"one"), (second, b"second")):
        answer = of.s3.get_object(Bucket=of.bucket, Key="incoming/versions", VersionId=version)
        assert (b"".join(answer["Body"].iter_chunks(2)), answer["ContentLength"]) == (body, len(body))
    part = of.s3.get_object(Bucket=of.bucket, Key="incoming/versions", VersionId=second, Range="bytes=2-")
    assert (b"".join(part["Body"].iter_chunks(2)), part["ContentLength"]) == (b"cond", 4)
    head = of.s3.head_object(Bucket=of.bucket, Key="incoming/versions")
    assert (head["VersionId"], head["ContentLength"]) == (second, 6)


def versions_are_listed_newest_first(of: Services) -> None:
    versions = [of.put_version("incoming/listed", b"x") for _ in range(3)]
    of.put_version("incoming/listed-not", b"x")
    answer = of.s3.list_object_versions(Bucket=of.bucket, Prefix="incoming/listed")
    listed = [one["VersionId"] for one in answer["Versions"] if one["Key"] == "incoming/listed"]
    assert listed == versions[::-1]
    assert {one["Key"] for one in answer["Versions"]} == {"incoming/listed", "incoming/listed-not"}


def versions_are_paged_by_both_markers(of: Services) -> None:
    for name in ("a", "b", "b", "c"):
        of.put_version(f"incoming/paged/{name}", b"x")
    whole = of.s3.list_object_versions(Bucket=of.bucket, Prefix="incoming/paged/")["Versions"]
    found: list[Any] = []
    markers: dict[str, Any] = {}
    while True:
        page = of.s3.list_object_versions(Bucket=of.bucket, Prefix="incoming/paged/", MaxKeys=1, **markers)
        found += page["Versions"]
        if not page["IsTruncated"]:
            break
        markers = {"KeyMarker": page["NextKeyMarker"], "VersionIdMarker": page["NextVersionIdMarker"]}
    assert [(one["Key"], one["VersionId"]) for one in found] == [(one["Key"], one["VersionId"]) for one in whole]


def a_key_marker_alone_is_exclusive_and_need_not_exist(of: Services) -> None:
    """See https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html."""
    for name in ("a", "b", "c", "d"):
        of.put_version(f"incoming/marked/{name}", b"x")
    for marker, after in (("b", "cd"), ("bb", "cd"), ("", "abcd")):
        listing = of.s3.list_object_versions(
            Bucket=of.bucket, Prefix="incoming/marked/", KeyMarker=f"incoming/marked/{marker}"
        )
        assert [one["Key"][-1] for one in listing.get("Versions", [])] == list(after), marker


def a_scan_is_paged_and_projected(of: Services) -> None:
    for number_of in range(5):
        of.put(f"scanned-{number_of}", big={"S": "x"})
    found: list[Any] = []
    start: dict[str, Any] = {}
    while True:
        page = of.dynamodb.scan(TableName=of.table, Limit=2, ProjectionExpression="pk, sk", **start)
        assert len(page["Items"]) <= 2
        found += page["Items"]
        if "LastEvaluatedKey" not in page:
            break
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
    assert all(item.keys() == {"pk", "sk"} for item in found)
    assert {f"scanned-{number_of}" for number_of in range(5)} <= {item["pk"]["S"] for item in found}


def a_multipart_upload_completes_with_parts_that_arrived_only(of: Services) -> None:
    at = {"Bucket": of.bucket, "Key": "incoming/parts"}
    begun = at | {"UploadId": of.s3.create_multipart_upload(**at, ChecksumAlgorithm="SHA256")["UploadId"]}
    (listed,) = of.s3.get_paginator("list_multipart_uploads").paginate(Bucket=of.bucket, Prefix=at["Key"])
    assert [(one["Key"], one["UploadId"]) for one in listed["Uploads"]] == [(at["Key"], begun["UploadId"])]
    (parts,) = of.s3.get_paginator("list_parts").paginate(**begun, PartNumberMarker=0)
    assert parts.get("Parts", []) == []
    missing = {"Parts": [{"PartNumber": 1, "ETag": '"0"'}]}
    of.fails("InvalidPart", lambda: of.s3.complete_multipart_upload(**begun, MultipartUpload=missing))
    of.s3.abort_multipart_upload(**begun)
    of.fails("NoSuchUpload", lambda: list(of.s3.get_paginator("list_parts").paginate(**begun, PartNumberMarker=0)))


def a_missing_object_answers_404_to_head(of: Services) -> None:
    of.fails("404", lambda: of.s3.head_object(Bucket=of.bucket, Key="incoming/missing"))


def a_missing_key_or_version_cannot_be_read(of: Services) -> None:
    other = of.put_version("incoming/other", b"x")
    with pytest.raises(ClientError) as refused:
        of.s3.get_object(Bucket=of.bucket, Key="incoming/never", VersionId=other)
    assert refused.value.response["Error"]["Code"] in {"NoSuchVersion", "NoSuchKey"}, "the processor takes both for gone"


def a_message_carries_its_body_and_answers_with_its_digest(of: Services) -> None:
    attributes = {"hops": {"DataType": "Number", "StringValue": "3"}}
    answer = of.sqs.send_message(QueueUrl=of.queue_url, MessageBody="{}", DelaySeconds=0, MessageAttributes=attributes)
    assert answer["MD5OfMessageBody"] == "99914b932bd37a50b983c5e7c90ae93b"


def token(number_of: int) -> str:
    return f"{number_of:08x}-0000-4000-8000-000000000000"


def a_staged_version_is_read_by_its_stage_and_id(of: Services) -> None:
    of.stage(token(1), "staged")
    wanted = {"SecretId": of.secret, "VersionId": token(1)}
    answer = of.secrets.get_secret_value(**wanted, VersionStage="AWSPENDING")
    assert (answer["VersionId"], answer["SecretString"]) == (token(1), "staged")
    assert of.current() != token(1)


def a_version_or_stage_that_is_not_there_is_not_found(of: Services) -> None:
    for wanted in ({"VersionId": token(99)}, {"VersionStage": "NEVER"}):
        with pytest.raises(of.secrets.exceptions.ResourceNotFoundException):
            of.secrets.get_secret_value(SecretId=of.secret, **wanted)


def a_version_is_not_found_by_a_stage_that_another_one_has(of: Services) -> None:
    of.stage(token(2))
    wanted = {"VersionId": of.current(), "VersionStage": "AWSPENDING"}
    of.fails("ResourceNotFoundException", lambda: of.secrets.get_secret_value(SecretId=of.secret, **wanted))


def a_version_takes_its_value_once(of: Services) -> None:
    """See https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html."""
    of.stage(token(3), "once")
    of.stage(token(3), "once")
    of.fails("ResourceExistsException", lambda: of.stage(token(3), "twice"))


def the_version_that_was_current_becomes_the_previous_one(of: Services) -> None:
    before = of.current()
    of.stage(token(4))
    move = {"SecretId": of.secret, "VersionStage": "AWSCURRENT", "MoveToVersionId": token(4)}
    of.secrets.update_secret_version_stage(**move, RemoveFromVersionId=before)
    stages = of.secrets.describe_secret(SecretId=of.secret)["VersionIdsToStages"]
    assert ("AWSCURRENT" in stages[token(4)], "AWSPREVIOUS" in stages[before]) == (True, True)
    assert of.current() == token(4)


def a_stage_moves_only_from_the_version_that_is_named(of: Services) -> None:
    """See https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_UpdateSecretVersionStage.html."""
    before = of.current()
    of.stage(token(5))
    move = {"SecretId": of.secret, "VersionStage": "AWSCURRENT", "MoveToVersionId": token(5)}
    of.fails("InvalidParameterException", lambda: of.secrets.update_secret_version_stage(**move))
    assert of.current() == before


CASES: Final = [
    case
    for name, case in list(globals().items())
    if callable(case) and getattr(case, "__module__", "") == __name__ and "of" in getattr(case, "__annotations__", {})
]
"""Every case of this module."""
