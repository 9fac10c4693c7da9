import type { Holder } from '../storage/credentials.ts'
import type { SealedColumn, SealedRow } from '../storage/sealed-columns.ts'
import type { Place } from '../vault/envelope.ts'

/** Where each secret lives. A sealed text opens at its own place and version only. */

export const credentialPlace = (holder: Holder, generation: number, serviceRevision: number): Place => ({
  organizationId: holder.organizationId,
  table: 'credentials',
  rowId: `${holder.connectionId}:${holder.subjectId}`,
  column: 'sealed',
  rowVersion: generation,
  serviceRevision,
})

/** A renewal that waits on disk for the database, of the credential whose generation it follows. */
export const spoolPlace = (holder: Holder, generation: number, serviceRevision: number): Place => ({
  ...credentialPlace(holder, generation, serviceRevision),
  table: 'spool',
})

export const clientSecretPlace = (organizationId: string, serviceId: string, revision: number): Place => ({
  organizationId,
  table: 'services',
  rowId: serviceId,
  column: 'sealed_client_secret',
  rowVersion: revision,
  serviceRevision: revision,
})

export const flowPlace = (organizationId: string, flowId: string, serviceRevision: number): Place => ({
  organizationId,
  table: 'pending_authorizations',
  rowId: flowId,
  column: 'sealed',
  rowVersion: 1,
  serviceRevision,
})

/** A grant that no credential holds: it waits for an answer, or for the job that tells the provider to forget it. */
export const heldGrantPlace = (organizationId: string, id: string, serviceRevision: number): Place => ({
  organizationId,
  table: 'held_grants',
  rowId: id,
  column: 'sealed',
  rowVersion: 1,
  serviceRevision,
})

/** The place of any sealed field, as the list of sealed columns describes it. The same as those above and those of the functions. */
export const placeOfSealed = ({ table, column }: SealedColumn, row: SealedRow): Place => ({
  organizationId: row.organization_id,
  table,
  rowId: row.key.join(':'),
  column,
  rowVersion: row.row_version,
  serviceRevision: row.service_revision,
})
