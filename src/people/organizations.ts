import { z } from 'zod'
import { displayName } from '../core/link-name.ts'
import type { Role } from '../core/principal.ts'
import { Problem } from '../core/problem.ts'
import { inTransaction, newId, type People } from './people.ts'

/** No i, m or u flag, as for link names. The database has the same check. */
export const slugPattern = /^[a-z][a-z0-9_-]{0,49}$/

export const slugRule =
  'A slug starts with a lower-case letter; then lower-case letters, digits, _ or -; 50 characters at most. It cannot be changed later.'

export const organizationSlug = z
  .string()
  .regex(slugPattern, slugRule)
  .meta({ description: slugRule, examples: ['acme'] })

export interface Organization {
  readonly id: string
  readonly name: string
  readonly slug: string
  readonly created_at: Date
}

export const newOrganization = z.strictObject({ name: displayName, slug: organizationSlug })

/** @throws ZodError (a caller's mistake: the doors parse before) · Problem slug_taken */
export async function insertOrganization(
  people: People,
  given: { name: string; slug: string },
  administratorId: string,
): Promise<Organization> {
  const organization = { id: newId(), ...newOrganization.parse(given), created_at: people.now() }
  // "on conflict do nothing" leaves a transaction of the caller's usable, where a violation would end it.
  const inserted = await people.db
    .insertInto('organizations')
    .values(organization)
    .onConflict(conflict => conflict.column('slug').doNothing())
    .returning('id')
    .executeTakeFirst()
  if (!inserted) throw new Problem('slug_taken', { slug: organization.slug })
  await people.db
    .insertInto('members')
    .values({ id: newId(), organization_id: organization.id, user_id: administratorId, role: 'administrator', created_at: people.now() })
    .execute()
  return organization
}

/**
 * One more organisation, with its creator as administrator.
 * @throws Problem forbidden unless the creator is the operator · slug_taken
 */
export async function createOrganization(
  people: People,
  given: { name: string; slug: string; creatorId: string },
): Promise<{ organization: Organization; userIds: string[] }> {
  return inTransaction(people, async people => {
    if (!(await isOperator(people, given.creatorId)))
      throw new Problem('forbidden', { detail: 'Only the operator, the first administrator, may create organisations.' })
    const organization = await insertOrganization(people, { name: given.name, slug: given.slug }, given.creatorId)
    return { organization, userIds: [given.creatorId] }
  })
}

/** The operator is who has been administrator of the oldest organisation for longest: the person of the set-up, or their successor. */
export async function isOperator(people: People, userId: string): Promise<boolean> {
  const operator = await people.db
    .selectFrom('members as m')
    .innerJoin('organizations as o', 'o.id', 'm.organization_id')
    .select('m.user_id')
    .where('m.role', '=', 'administrator')
    .where('o.id', '=', db => db.selectFrom('organizations').select('id').orderBy('created_at').orderBy('id').limit(1))
    .orderBy('m.created_at')
    .orderBy('m.id')
    .limit(1)
    .executeTakeFirst()
  return operator?.user_id === userId
}

/** The organisations a person is a member of, oldest first, with the role in each. At most 200. */
export const membershipsOf = (people: People, userId: string): Promise<(Organization & { role: Role })[]> =>
  people.db
    .selectFrom('members as m')
    .innerJoin('organizations as o', 'o.id', 'm.organization_id')
    .select(['o.id', 'o.name', 'o.slug', 'o.created_at', 'm.role'])
    .where('m.user_id', '=', userId)
    .orderBy('o.created_at')
    .orderBy('o.id')
    .limit(200)
    .execute()

export async function findOrganization(people: People, slug: string): Promise<Organization | null> {
  const found = await people.db
    .selectFrom('organizations')
    .select(['id', 'name', 'slug', 'created_at'])
    .where('slug', '=', slug)
    .executeTakeFirst()
  return found ?? null
}
