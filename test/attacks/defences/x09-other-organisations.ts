import type { Attack } from '../attack.ts'

const matrix = 'test/attacks/operations.test.ts'
const other = 'a name of another organisation is answered like one that nobody has, and nothing of it moves'
const another = 'what a member keeps private is answered to another like what nobody has'

export const x09: Attack = {
  id: 'X09',
  attack: 'Ids, link names and cursors of another organisation or another person are tried on every operation.',
  defence: [
    'Every statement of storage has the organisation of the caller in its condition, from the session or key and never from the request.',
    'What is another organisation’s, or not the caller’s to see, is answered like what there is not: the same status, the same bytes but for the request’s id.',
    'A matrix made from the OpenAPI document tries every parameter and field that names a resource, as an administrator of another organisation and as another member. It fails when an operation, a parameter or a field has no fixture.',
    'A cursor is checked for its form, and names a place in a list that is the caller’s already.',
  ],
  mutants: [
    {
      what: 'a connection is found in any organisation',
      file: 'src/storage/connections.ts',
      find: "    .where('c.organization_id', '=', organizationId)\n\n/** By the",
      replace: '\n/** By the',
      test: matrix,
      name: other,
    },
    {
      what: 'a service is found in any organisation',
      file: 'src/storage/services.ts',
      find: "        .where('organization_id', '=', organizationId)\n        .where('link_name', '=', linkName)\n        .executeTakeFirst()",
      replace: "        .where('link_name', '=', linkName)\n        .executeTakeFirst()",
      test: matrix,
      name: other,
    },
    {
      what: 'a member is found in any organisation',
      file: 'src/people/members.ts',
      find: "    .where('m.organization_id', '=', organizationId)\n\nexport async",
      replace: '\nexport async',
      test: matrix,
      name: other,
    },
    {
      what: 'an invitation of any organisation can be withdrawn',
      file: 'src/people/invitations.ts',
      find: "    .where('organization_id', '=', organizationId)\n    .where('id', '=', id)\n    .where('status', '=', 'pending')\n    .returning('email')",
      replace: "    .where('id', '=', id)\n    .where('status', '=', 'pending')\n    .returning('email')",
      test: matrix,
      name: other,
    },
    {
      what: 'an API key of any organisation can be revoked',
      file: 'src/people/api-keys.ts',
      find: "deleteFrom('api_keys').where('organization_id', '=', of.organizationId)",
      replace: "deleteFrom('api_keys')",
      test: matrix,
      name: other,
    },
    {
      what: 'a member revokes the API key of another',
      file: 'src/people/api-keys.ts',
      find: "  if (of.userId !== null) deletion = deletion.where('user_id', '=', of.userId)\n",
      replace: '',
      test: matrix,
      name: another,
    },
    {
      what: 'a function is found in any organisation',
      file: 'src/storage/functions.ts',
      find: ".where('organization_id', '=', organizationId).where(isNamed(namespace, name)).executeTakeFirst()",
      replace: '.where(isNamed(namespace, name)).executeTakeFirst()',
      test: matrix,
      name: other,
    },
    {
      what: 'a run is found in any organisation',
      file: 'src/storage/function-runs.ts',
      find: "    .where('r.organization_id', '=', organizationId)\n\nexport type",
      replace: '\nexport type',
      test: matrix,
      name: other,
    },
    {
      what: 'a schedule is found in any organisation',
      file: 'src/storage/function-schedules.ts',
      find: "selected(db).where('s.organization_id', '=', organizationId).where('s.id'",
      replace: "selected(db).where('s.id'",
      test: matrix,
      name: other,
    },
    {
      what: 'a private connection is seen by every member',
      file: 'src/broker/connections.ts',
      find: '  (mayUse(row, principal.userId) || row.subject_id',
      replace: "  (row.link_name !== '' || row.subject_id",
      test: matrix,
      name: another,
    },
    {
      what: 'a key limited to connections reads what others gave to functions',
      file: 'src/broker/function-runs.ts',
      find: '=> (key?.connections ? key.id : null)',
      replace: '=> null',
      test: 'test/stories/function-security.test.ts',
      name: 'a key limited to connections is limited in functions, too',
    },
    {
      what: 'a key limited to connections reads sources of functions',
      file: 'src/broker/functions.ts',
      find: "atLeast(role, 'developer') && !key?.connections",
      replace: "atLeast(role, 'developer') && key !== undefined",
      test: 'test/stories/function-security.test.ts',
      name: 'a key limited to connections is limited in functions, too',
    },
  ],
}
