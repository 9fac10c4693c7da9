import type { SchemaMigration } from '../concurrent-indexes.ts'

/**
 * Each index reads one list of an organisation's connections in its order, so that a page costs the same at the end of hundreds of thousands.
 * What is dropped is dropped last: until then everybody reads by it.
 */
const indexes = [
  `create index connections_by_owner on connections (organization_id, owner_id, link_name)`,
  // leads with the service: the foreign key looks by it alone
  `create index connections_by_service on connections (service_id, link_name)`,
  // what others than the owner may see: the words are those of storage/connections.ts
  `create index connections_beyond_owner on connections (organization_id, link_name)
     where access <> '"private"'::jsonb or use_login_user_credentials`,
  // few, and looked for among many
  `create index credentials_not_connected on credentials (organization_id, status) where status <> 'connected'`,
  `drop index connections_owner`,
  `drop index connections_service`,
]

export const longLists: SchemaMigration = {
  async up(): Promise<void> {},
  indexes,
}
