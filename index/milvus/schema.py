"""The fields and indexes of the Milvus collections that make up one collection.

Every Milvus collection must have a vector; those that need none have one of two zeros. Names are looked up by hashes,
so an expression never has to quote what a document may be called.
"""

from collections.abc import Mapping, Sequence
from typing import Any

Schema = tuple[Any, Any]  # pymilvus's CollectionSchema and IndexParams

_LONGEST = 65_535
_NAME = 128


def state_schema(client: Any) -> Schema:
    """key -> value, a JSON object."""
    from pymilvus import DataType

    return _plain(client, {"key": DataType.VARCHAR}, {"value": DataType.VARCHAR})


def documents_schema(client: Any) -> Schema:
    """A row a version of a document, visible from generation `born` until before `died`. day: YYYYMMDD, 0 unknown."""
    from pymilvus import DataType

    number, text = DataType.INT64, DataType.VARCHAR
    fields = {
        "doc_no": number, "doc_key": text, "source_key": text, "text_no": number, "born": number, "died": number,
        "died_at": number, "day": number, "publisher_key": text, "value": text, "sum": text,
    }  # fmt: skip
    return _plain(client, {"row_no": number}, fields, indexed=("doc_key", "source_key", "text_no", "day", "died"))


def texts_schema(client: Any) -> Schema:
    """A text in pieces; the piece 0 is its header, with its key, its bands and the texts that it is a near-copy of."""
    from pymilvus import DataType

    number, text = DataType.INT64, DataType.VARCHAR
    fields = {
        "text_no": number, "piece": number, "key": text, "near": DataType.ARRAY, "bands": DataType.ARRAY, "value": text,
    }  # fmt: skip
    return _plain(client, {"piece_no": number}, fields, indexed=("text_no", "key"))


def passages_schema(client: Any, dimension: int, *, is_lite: bool) -> Schema:
    """Passages with their vectors, and the words that Milvus's BM25 counts.

    Words come stemmed, as they are to be searched, and are only parted at the spaces: Milvus Lite has no stemmer.
    """
    from pymilvus import DataType, Function, FunctionType

    schema = client.create_schema(auto_id=False, enable_dynamic_field=False)
    schema.add_field("passage_id", DataType.INT64, is_primary=True)
    for field in ("text_no", "start", "stop"):
        schema.add_field(field, DataType.INT64)
    for field in ("heading", "text"):
        schema.add_field(field, DataType.VARCHAR, max_length=_LONGEST)
    analyzer = {"tokenizer": "standard" if is_lite else "whitespace"}
    schema.add_field("words", DataType.VARCHAR, max_length=_LONGEST, enable_analyzer=True, analyzer_params=analyzer)
    schema.add_field("vector", DataType.FLOAT_VECTOR, dim=dimension)
    schema.add_field("bm25", DataType.SPARSE_FLOAT_VECTOR)
    schema.add_function(
        Function(name="bm25_of_words", function_type=FunctionType.BM25, input_field_names=["words"],
                 output_field_names=["bm25"])
    )  # fmt: skip
    indexes = client.prepare_index_params()
    indexes.add_index(field_name="vector", index_name="vector", index_type="FLAT", metric_type="IP")
    # k1 and b as tantivy has them; Milvus Lite would take 1.5.
    indexes.add_index(
        field_name="bm25", index_name="bm25", index_type="SPARSE_INVERTED_INDEX", metric_type="BM25",
        params={"bm25_k1": 1.2, "bm25_b": 0.75},
    )  # fmt: skip
    indexes.add_index(field_name="text_no", index_name="text_no", index_type="INVERTED")
    return schema, indexes


def hnsw(client: Any) -> Any:
    """An HNSW index of the vectors."""
    indexes = client.prepare_index_params()
    indexes.add_index(
        field_name="vector", index_name="vector", index_type="HNSW", metric_type="IP",
        params={"M": 16, "efConstruction": 200},
    )  # fmt: skip
    return indexes


def _plain(client: Any, key: Mapping[str, Any], fields: Mapping[str, Any], *, indexed: Sequence[str] = ()) -> Schema:
    from pymilvus import DataType

    schema = client.create_schema(auto_id=False, enable_dynamic_field=False)
    for field, kind in (*key.items(), *fields.items()):
        if kind is DataType.ARRAY:
            schema.add_field(field, kind, element_type=DataType.INT64, max_capacity=64)
        elif kind is DataType.VARCHAR:
            longest = _LONGEST if field == "value" else _NAME
            schema.add_field(field, kind, is_primary=field in key, max_length=longest)
        else:
            schema.add_field(field, kind, is_primary=field in key)
    schema.add_field("unused", DataType.FLOAT_VECTOR, dim=2)
    indexes = client.prepare_index_params()
    indexes.add_index(field_name="unused", index_name="unused", index_type="FLAT", metric_type="IP")
    for field in indexed:
        indexes.add_index(field_name=field, index_name=field, index_type="INVERTED")
    return schema, indexes
