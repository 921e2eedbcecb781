"""A platform is read from its standalone.json, and one that is not there is said so in a line."""

import json
from pathlib import Path

import pytest

from bench.product import ProductError, read_product

TOLD = {
    "gateway_url": "http://127.0.0.1:8080",
    "public_url": "http://127.0.0.1:8080",
    "grpc": {"delivery_svc": "127.0.0.1:50052"},
    "metrics": {"delivery_svc": "http://127.0.0.1:1/metrics"},
    "account_id": 1,
    "token": "secret",
    "database_url": "postgresql://127.0.0.1:5432/runhook",
}


def test_a_running_platform_is_read_from_its_description(tmp_path: Path) -> None:
    (tmp_path / "standalone.json").write_text(json.dumps(TOLD))
    product = read_product(tmp_path)
    assert (product.delivery_address, product.account_id, product.supervisor) == ("127.0.0.1:50052", 1, None)


def test_a_description_that_is_missing_or_lacks_a_key_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ProductError, match="no platform described in"):
        read_product(tmp_path)
    (tmp_path / "standalone.json").write_text(json.dumps({**TOLD, "grpc": {}}))
    with pytest.raises(ProductError, match="has no 'delivery_svc'"):
        read_product(tmp_path)


def test_a_process_that_cannot_be_found_is_named(tmp_path: Path) -> None:
    (tmp_path / "standalone.json").write_text(json.dumps(TOLD))
    with pytest.raises(ProductError, match="serves the metrics of delivery_svc"):
        read_product(tmp_path).processes()
