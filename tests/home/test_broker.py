"""Where a broker is: read as users write it, and no password in what is said about it."""

import pytest

from nullwatt.home import BrokerAddress, BrokerError, ConfigError, parse_broker, parse_house


@pytest.mark.parametrize(
    ("uri", "address"),
    [
        ("mqtt://broker.local", BrokerAddress("broker.local", 1883)),
        ("MQTTS://broker.local", BrokerAddress("broker.local", 8883, True)),
        ("mqtt://192.0.2.1:1884", BrokerAddress("192.0.2.1", 1884)),
        ("mqtt://[2001:db8::1]:1884", BrokerAddress("2001:db8::1", 1884)),
        ("mqtt://me@host", BrokerAddress("host", 1883, False, "me")),
        ("mqtt://me:@host", BrokerAddress("host", 1883, False, "me", "")),
        ("mqtts://m%40e:p%2F%3a%25%C3%A4@host:1", BrokerAddress("host", 1, True, "m@e", "p/:%ä")),
        ("mqtt://me:a:b@c@host", BrokerAddress("host", 1883, False, "me", "a:b@c")),
    ],
)
def test_addresses(uri: str, address: BrokerAddress) -> None:
    assert parse_broker(uri) == address


@pytest.mark.parametrize(
    ("uri", "why"),
    [
        ("", "must begin with mqtt://"),
        ("broker.local:1883", "must begin with mqtt://"),
        ("http://s3cret@host", "must begin with mqtt://"),
        ("mqtt://", "must begin with mqtt://"),
        ("mqtt://:1883", "must name a host"),
        ("mqtt://me:s3cret@", "must name a host"),
        ("mqtt://a..b", "must name a host"),
        ("mqtt://host/s3cret", "without a path"),
        ("mqtt://host?", "without a path"),
        ("mqtt://host#s3cret", "without a path"),
        ("mqtt://me:s3/cret@host", "write : / ? # @ % as %XX"),
        ("mqtt://me:s3cret", "host or port is not valid"),
        ("mqtt://host:0", "port must be within 1 and 65535"),
        ("mqtt://host:70000", "host or port is not valid"),
        ("mqtt://[s3cret", "host or port is not valid"),
        ("mqtt://:s3cret@host", "has a password but no user"),
        ("mqtt://me:s3cret%ff@host", "is not UTF-8"),
        ("mqtt://me:s3cret%00@host", "contains the character 0"),
        ("mqtt://me:s3 cret@host", "must have no spaces"),
        ("mqtt://me:s3cret\n@host", "must have no spaces"),
    ],
)
def test_what_is_no_address_is_one_line_without_the_password(uri: str, why: str) -> None:
    with pytest.raises(BrokerError) as caught:
        parse_broker(uri)
    line = str(caught.value)
    assert why in line and "\n" not in line and "s3" not in line


def test_no_text_of_an_address_shows_credentials() -> None:
    address = parse_broker("mqtts://me:s3cret@host")
    assert str(address) == "mqtts://host:8883"
    assert "s3cret" not in repr(address) and "me" not in repr(address)


@pytest.mark.parametrize(
    "section",
    [
        {"broker": "mqtt://me:s3cret@host/path"},
        {"brokr": "mqtt://me:s3cret@host"},
        {"broker": ["mqtt://me:s3cret@host"]},
        "mqtt://me:s3cret@host",
    ],
)
def test_no_mistake_in_a_house_file_shows_a_password(section: object) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_house({"batteries": [{"mac": "02B250000001", "phase": "A"}], "mqtt_insights": section})
    assert "mqtt_insights" in str(caught.value) and "s3cret" not in str(caught.value)
