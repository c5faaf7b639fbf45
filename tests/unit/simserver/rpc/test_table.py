"""The handler table answers CARLA's calls, all of them and no other."""

import logging

import pytest

from synthgen.simserver.rpc.table import HANDLERS, answer
from synthgen.simserver.wire.rpc_codec import Request
from synthgen.simserver.world.world import World

# carla_protocol.md section 3: every method name in the carla 0.9.16 wheel.
WORLD = """
version get_available_maps load_new_episode load_map_layer unload_map_layer
copy_opendrive_to_file get_episode_info get_map_info get_map_data get_required_files request_file
get_navigation_mesh get_episode_settings set_episode_settings tick_cue get_weather_parameters
set_weather_parameters get_actor_definitions get_spectator get_actors_by_id get_all_level_BBs
get_environment_objects enable_environment_objects project_point cast_ray
get_names_of_all_objects apply_color_texture_to_objects apply_float_color_texture_to_objects
query_lights_state update_lights_state update_day_night_cycle
set_annotations_traverse_translucency get_imui_gravity set_imui_gravity draw_debug_shape
clear_debug_shape clear_debug_string is_traffic_manager_running get_traffic_manager_running
add_traffic_manager_running destroy_traffic_manager start_recorder stop_recorder
show_recorder_file_info show_recorder_collisions show_recorder_actors_blocked replay_file
stop_replayer set_replayer_time_factor set_replayer_ignore_hero set_replayer_ignore_spectator
"""
ACTORS = """
spawn_actor spawn_actor_with_parent destroy_actor set_actor_location set_actor_transform
set_actor_target_velocity set_actor_target_angular_velocity enable_actor_constant_velocity
disable_actor_constant_velocity add_actor_impulse add_actor_force add_actor_angular_impulse
add_actor_torque add_actor_impulse_at_location add_actor_force_at_location
set_actor_simulate_physics set_actor_enable_gravity set_actor_collisions set_actor_dead
get_vehicle_bone_world_transforms get_actor_bounding_box get_actor_component_names
get_actor_bone_names get_actor_socket_names get_actor_component_world_transform
get_actor_component_relative_transform get_actor_bone_world_transforms
get_actor_bone_relative_transforms get_actor_socket_world_transforms
get_actor_socket_relative_transforms
"""
VEHICLES_AND_WALKERS = """
apply_control_to_vehicle apply_ackermann_control_to_vehicle get_ackermann_controller_settings
apply_ackermann_controller_settings get_physics_control apply_physics_control
get_vehicle_light_state set_vehicle_light_state get_vehicle_light_states open_vehicle_door
close_vehicle_door set_wheel_steer_direction get_wheel_steer_angle set_wheel_pitch_angle
get_wheel_pitch_angle get_telemetry_data show_vehicle_debug_telemetry set_actor_autopilot
enable_carsim use_carsim_road enable_chrono_physics restore_physx_physics
apply_control_to_walker get_bones_transform set_bones_transform blend_pose
get_pose_from_animation
"""
LIGHTS_SENSORS_BATCH = """
set_traffic_light_state set_traffic_light_green_time set_traffic_light_yellow_time
set_traffic_light_red_time freeze_traffic_light freeze_all_traffic_lights
reset_traffic_light_group reset_all_traffic_lights get_group_traffic_lights get_light_boxes
get_sensor_token enable_gbuffers are_gbuffers_enabled get_gbuffer_token enable_sensor_for_ros
disable_sensor_for_ros is_sensor_enabled_for_ros set_ignored_vehicles send apply_batch
"""
METHODS = (WORLD + ACTORS + VEHICLES_AND_WALKERS + LIGHTS_SENSORS_BATCH).split()


def test_every_method_of_the_client_has_a_handler() -> None:
    assert sorted(set(METHODS) - HANDLERS.keys()) == []


def test_no_handler_is_beyond_the_clients_methods() -> None:
    assert sorted(HANDLERS.keys() - set(METHODS)) == []


def test_what_is_not_supported_is_told_in_the_log_too(caplog: pytest.LogCaptureFixture) -> None:
    # The client does not wait for this call: it never sees the answer.
    with caplog.at_level(logging.WARNING):
        answer(World.__new__(World), Request(1, "enable_sensor_for_ros", [7]))
    assert "enable_sensor_for_ros: ROS publishing is not available" in caplog.text
