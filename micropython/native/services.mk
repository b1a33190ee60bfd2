# Files of the core, without .cpp, that only serve what stands beside the meter.

# Nobody calls them under MicroPython: Bluetooth, the cloud, the app.
NOT_HERE = ble_battery_selection ble_frame ble_identity ble_pairing ble_wifi_trial c_ble c_cloud c_json cloud_devices \
	cloud_report cloud_url registration app_responder ct_mac
OF_INSIGHTS = c_insights insights insights_command insights_discovery insights_state insights_topics json_reader \
	json_writer utc_time utf8 writer
