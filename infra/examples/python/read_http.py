#!/usr/bin/env python3
"""Prints the HTTP messages of Syscribe's topic `http`, a line each, from the oldest on.

    KAFKA_BROKERS=localhost:9092 SCHEMA_REGISTRY_URL=http://localhost:8081 python3 read_http.py [--once]

Without SCHEMA_REGISTRY_URL schemas are read from the topic `schemas`. --once ends at what the topic holds now.
"""

import io
import json
import os
import sys
import urllib.request

import fastavro
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

BROKERS = os.environ["KAFKA_BROKERS"]
REGISTRY = os.environ.get("SCHEMA_REGISTRY_URL", "").rstrip("/")
PREFIX = os.environ.get("KAFKA_TOPIC_PREFIX") or "syscribe."


def records(topic, follow):
    """Every record of a topic, as bytes, partition after partition as they come."""
    consumer = Consumer(
        {
            "bootstrap.servers": BROKERS,
            "group.id": "read-http",
            # Syscribe writes in transactions: one that was broken off never happened.
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "enable.partition.eof": not follow,
        }
    )
    try:
        found = consumer.list_topics(topic, timeout=30).topics[topic]
        if found.error is not None:
            raise KafkaException(found.error)
        waiting = set(found.partitions)
        consumer.assign([TopicPartition(topic, partition, 0) for partition in waiting])
        while waiting:
            message = consumer.poll(1.0)
            if message is None:
                continue
            if message.error() is None:
                yield message.key(), message.value()
            elif message.error().code() == KafkaError._PARTITION_EOF:
                waiting.discard(message.partition())
            else:
                raise KafkaException(message.error())
    finally:
        consumer.close()


class Schemas:
    """The schemas that records name, each fetched once."""

    def __init__(self):
        self.known = {}

    def by_id(self, number):
        """Of a schema registry, which Confluent's framing names by its id."""
        if number not in self.known:
            with urllib.request.urlopen(f"{REGISTRY}/schemas/ids/{number}", timeout=30) as answer:
                self.known[number] = fastavro.parse_schema(json.loads(json.load(answer)["schema"]))
        return self.known[number]

    def by_fingerprint(self, fingerprint):
        """Of the topic `schemas`, whose keys are CRC-64-AVRO fingerprints in hexadecimal digits."""
        if fingerprint not in self.known:
            for key, value in records(f"{PREFIX}schemas", follow=False):
                # The text follows a frame of its own, whose fingerprint is 0.
                self.known[int(key, 16)] = fastavro.parse_schema(json.loads(value[10:]))
        return self.known[fingerprint]


def decoded(value, schemas):
    """The kind and the fields of a record: a topic's value is a union of its kinds."""
    if value[0] == 0:  # Confluent: 0, then the schema's id, 4 bytes big-endian
        schema, start = schemas.by_id(int.from_bytes(value[1:5], "big")), 5
    elif value[:2] == b"\xc3\x01":  # Avro's single-object encoding: then the fingerprint, 8 bytes little-endian
        schema, start = schemas.by_fingerprint(int.from_bytes(value[2:10], "little")), 10
    else:
        raise ValueError("neither Confluent's nor Avro's framing")
    kind, fields = fastavro.schemaless_reader(io.BytesIO(value[start:]), schema, return_record_name=True)
    return kind, fields


def main():
    schemas = Schemas()
    for _, value in records(f"{PREFIX}http", follow="--once" not in sys.argv):
        kind, http = decoded(value, schemas)
        if kind != "syscribe.HttpMessage":
            continue  # watermarks: up to when all records are there
        what = f"{http['method']} {http['url']}"
        if http["kind"] == "response":
            what += f" -> {http['status']}"
        way = f"{http['sourceAddress']}:{http['sourcePort']} > {http['destinationAddress']}:{http['destinationPort']}"
        print(f"{http['time']:%Y-%m-%dT%H:%M:%S.%fZ}  {way}  {what}", flush=True)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
