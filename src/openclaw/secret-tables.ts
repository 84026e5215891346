/** Tables of OpenClaw's databases whose rows are secret: those its own redaction leaves out, of all releases so far. */
const secretTables = new Set(
  (
    'audit_identity_keys apns_registrations channel_ingress_events channel_pairing_requests clawhub_promotion_claims ' +
    'config_revision_keys device_auth_tokens device_bootstrap_tokens device_identities device_pairing_join_codes ' +
    'device_pairing_paired gateway_origin_device_tokens mcp_oauth_pending_authorizations mcp_oauth_stores ' +
    'native_hook_relay_bridges secret_store_entries web_push_subscriptions worker_environment_credentials ' +
    'auth_profile_state auth_profile_store auth_profile_stores auth_profile_states node_host_config web_push_vapid_keys ' +
    'session_suggestions cache_entries config_machine_state'
  ).split(' '),
);

export function isSecretTable(name: string): boolean {
  return secretTables.has(name);
}
