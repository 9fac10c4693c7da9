import type { Attack, Edit } from '../attack.ts'

const embeddedStory = 'test/stories/refresh.test.ts'
const instances = 'test/stories/refresh-instances.test.ts'
const processes = 'test/stories/refresh-processes.test.ts'
const outage = 'test/stories/refresh-outage.test.ts'
const away = 'test/stories/database-away.test.ts'
const failover = 'test/stories/database-failover.test.ts'
const failedOver = 'no used refresh token is shown, calls go on within seconds without a restart, and the log is whole from then on'
const pooled = 'test/stories/pooler.test.ts'
const serverKilled = 'test/stories/database-killed.test.ts'
const model = 'test/stories/refresh-model.test.ts'
const modelName = 'never two leases, no used token shown, no generation lost'

/** The lease in the database: what makes it one refresh among all processes. */
const noLease: Edit = {
  file: 'src/storage/credentials.ts',
  find: 'or lease_until is null or lease_until < now()) and (next_attempt_at is null or next_attempt_at <= now())\n        and (lease_owner',
  replace: 'or true) and (next_attempt_at is null or next_attempt_at <= now())\n        and (true or lease_owner',
}
const notOncePerProcess: Edit = {
  file: 'src/broker/fresh-credentials.ts',
  find: '  const joined = running.get(key)\n',
  replace: '  const joined = undefined as { end: Promise<void>; awaited: boolean } | undefined\n',
}

/** What must hold when tokens are renewed and things break meanwhile: R1, R2 … */
export const refresh: readonly Attack[] = [
  {
    id: 'R1',
    attack: 'Hundreds of callers on several processes find at once that a token has ended.',
    defence: [
      'One of them takes a lease on this generation of the credential in the database and asks the provider; all others wait for the generation to move, without holding a database session.',
      'Its answer is stored by compare-and-set on the generation, so that a late one never overwrites a newer one.',
      'Callers of one process share one refresh, and one look-up of a connection that is not remembered.',
    ],
    mutants: [
      {
        what: 'no single flight at all',
        ...notOncePerProcess,
        also: [noLease],
        test: embeddedStory,
        name: 'a token that ended is renewed once for 40 callers',
      },
      {
        what: 'single flight per process only',
        ...noLease,
        test: instances,
        name: 'C-5 a token that ended is renewed once for both',
        on: 'postgres',
      },
      {
        what: 'single flight per process only, against a provider that ends the family of a used token',
        ...noLease,
        test: processes,
        name: 'the same against a provider that somebody else wrote',
        on: 'postgres',
      },
      { what: 'two leases on one generation', ...noLease, test: model, name: modelName },
      {
        what: 'an answer is stored whatever has happened meanwhile',
        file: 'src/storage/credentials.ts',
        find: "  const update = of(db, holder)\n    .where('generation', '=', generation)\n",
        replace: '  const update = of(db, holder)\n',
        test: model,
        name: modelName,
      },
    ],
  },
  {
    id: 'R2',
    attack: 'A process is killed, or stopped, while it renews a token that the provider rotates.',
    defence: [
      'The row says that a request is under way before it is sent. Who finds it so and is refused the token names it a lost rotation: told, audited, never tried into a ban.',
      'What the provider forgives recovers by itself; before the request and after the commit nothing is lost with any provider.',
      'An answer that comes after another process had to give the connection up is stored all the same, as long as nothing newer is.',
    ],
    mutants: [
      {
        what: 'nobody knows that a request was under way',
        file: 'src/storage/credentials.ts',
        find: 'unconfirmed: row.inflight_before !== null',
        replace: 'unconfirmed: false && row.inflight_before !== null',
        test: 'test/stories/refresh-crashes.test.ts',
        name: 'what a provider forgives recovers, a strict rotation is lost only between its answer and the commit',
      },
      {
        what: 'a lease does not end when its holder has died',
        file: 'src/storage/credentials.ts',
        find: 'or lease_until is null or lease_until < now()) and (next_attempt_at is null',
        replace: 'or lease_until is null) and (next_attempt_at is null',
        test: 'test/stories/refresh-crashes.test.ts',
        name: 'what a provider forgives recovers, a strict rotation is lost only between its answer and the commit',
      },
      {
        what: 'the answer of who was stopped is thrown away',
        file: 'src/storage/credentials.ts',
        find: ".where('status_reason', '=', 'lost_rotation')",
        replace: ".where('status_reason', '=', 'never_authorized')",
        test: processes,
        name: 'who is stopped with the lease and wakes with the new token heals',
        on: 'postgres',
      },
    ],
  },
  {
    id: 'R3',
    attack: 'The database goes away while the provider’s answer is on its way, or while calls are made.',
    defence: [
      'The answer is kept in memory and tried for ten minutes, and written through to a file, sealed with its organisation’s data key, which the next start stores by compare-and-set; where the connection was revoked or deleted meanwhile the provider is told to end it.',
      'Nobody asks the provider again while an answer of it waits to be stored.',
      'What a job did while the database was away is done; that it could not be written down ends no process.',
      'When the log of calls could not be written for two seconds, new calls are refused with 503 and Retry-After: there is no use of a connection that is not logged.',
      'What a promoted replica lacks of the renewals of the last minutes is stored again by the instance that made them, over exactly what they used up.',
      'An instance that hears no notifications remembers nothing for longer than a second; one that would never hear any, behind a pooler, does not start.',
    ],
    mutants: [
      {
        what: 'the spool is not looked at when it starts',
        file: 'src/start.ts',
        find: '  const giveBackUnused = await replaySpool(broker)\n',
        replace: '  const giveBackUnused = () => Promise.resolve(void replaySpool)\n',
        test: away,
        name: 'a process that is killed with an answer in its spool stores it when it starts again, once',
        on: 'postgres',
      },
      {
        what: 'what was renewed for a connection that was revoked meanwhile is thrown away, and good at its provider',
        file: 'src/broker/spool.ts',
        find: 'return { outcome, giveBack: () => revokeUnused(broker, named, from, content.opened) }',
        replace: 'return { outcome, giveBack: async () => void [revokeUnused, named, from] }',
        test: away,
        name: 'a process that is killed with an answer in its spool stores it when it starts again, once',
        on: 'postgres',
      },
      {
        what: 'the spool is not sealed',
        file: 'src/broker/spool.ts',
        find: "sealer(spoolPlace(usable, usable.generation, usable.serviceRevision), JSON.stringify(content)).toString('base64')",
        replace: "Buffer.from(JSON.stringify(content)).toString('base64')",
        test: away,
        name: 'is kept, sealed, on disk, and stored when it is back',
        on: 'postgres',
      },
      {
        what: 'an answer that could not be stored is given up',
        file: 'src/broker/keep-grant.ts',
        find: '      if (!away || broker.monotonic() > until) {',
        replace: '      if (away || broker.monotonic() > until) {',
        test: away,
        name: 'a spool that cannot be written is told loudly, and memory alone bridges the outage',
        on: 'postgres',
      },
      {
        what: 'that the server shuts down is taken for a fault of the statement',
        file: 'src/storage/session.ts',
        find: 'if (aborted || unavailable.test(code) || networkFailure.test(code) || connectionMessage.test(error.message)) {',
        replace: "if (aborted || (unavailable.test(code) && !code.startsWith('57P')) || networkFailure.test(code)) {",
        test: serverKilled,
        name: 'refusals in time, nothing wrong, nothing unlogged',
        on: 'postgres',
      },
      {
        what: 'calls go on while the log cannot be written',
        file: 'src/broker/invocation-log.ts',
        find: 'performance.now() - stalledSince > longestStallMilliseconds',
        replace: 'performance.now() - stalledSince > 1e9',
        test: away,
        name: 'none goes unlogged, and they work again soon after it is back',
        on: 'postgres',
      },
      {
        what: 'that the end of a job cannot be written down is caught by nobody, and ends the process',
        file: 'src/jobs/worker.ts',
        find: '    await (failure === null ?',
        replace: '    void (failure === null ?',
        test: 'src/jobs/jobs.test.ts',
        name: 'while the database is away ends nothing, and the next ones are done',
      },
      {
        what: 'a refresh token that was used up before a fail-over is shown again after it',
        file: 'src/broker/keep-grant.ts',
        find: '  keepRenewal(broker, usable, replaced, { generation: generation + 1, next: { ...facts, sealed }, endsAt: end.endsAt })\n',
        replace: '  void [keepRenewal, replaced]\n',
        test: failover,
        name: failedOver,
        on: 'postgres',
      },
      {
        what: 'another instance shows the used token before the one that renewed it has stored it again',
        file: 'src/broker/fresh-credentials.ts',
        find: '  if (usable.generation === before) await othersHaveLooked(broker)\n',
        replace: '',
        test: failover,
        name: failedOver,
        on: 'postgres',
      },
      {
        what: 'calls after a fail-over belong to nothing that the log has',
        file: 'src/broker/invocation-log.ts',
        find: 'seriesMayBeGone: forgetSeries',
        replace: 'seriesMayBeGone: () => {}',
        test: 'src/broker/invocation-log.test.ts',
        name: 'only what the database may have lost is written again',
      },
      {
        what: 'who hears no notifications remembers as long as who does',
        file: 'src/storage/postgres-listener.ts',
        find: '    deaf ??= setInterval(everyoneLost, deafMs).unref()\n',
        replace: '    void deafMs\n',
        test: pooled,
        name: 'while one hears no notifications nothing that it remembers is older than a second',
        on: 'postgres',
      },
      {
        what: 'notifications that can never arrive are waited for',
        file: 'src/storage/postgres-listener.ts',
        find: '      await assertHears(client)\n',
        replace: '      void assertHears\n',
        test: pooled,
        name: 'without a URL past it: that it refuses settings of a session, or that notifications do not arrive',
        on: 'postgres',
      },
    ],
  },
  {
    id: 'R4',
    attack: 'A token endpoint is down, comes back, flaps, or asks for less.',
    defence: [
      'Five failures in a row, or half of twenty, hold refreshes of that service at that origin back for 30 seconds; then one is sent to see. The present token goes on until it ends; after that it is `token_refresh_unavailable`, never another authorisation.',
      'One service at one token endpoint gets 20 refreshes in any second at most, and one after the other when it is just back: callers before renewals that nobody waits for, among callers the oldest need first, counting those who were turned away. Tokens that were made together are renewed at different moments of their windows. A 429 with Retry-After holds the whole service back for as long as it says.',
      'Each connection backs off from 1 to 300 seconds with jitter, and never asks more often than its service allows.',
    ],
    mutants: [
      {
        what: 'the breaker never opens',
        file: 'src/broker/breaker.ts',
        find: '    if (failed && tooMany()) open(now)\n',
        replace: '',
        test: outage,
        name: 'down for an hour: calls go on until the token ends',
      },
      {
        what: 'one breaker for all services',
        file: 'src/broker/refresh.ts',
        find: '`${serviceId}:${usable.serviceRevision}:${origin}`',
        replace: "'all'",
        test: outage,
        name: 'down for an hour: calls go on until the token ends',
      },
      {
        what: 'everybody at once after an outage',
        file: 'src/broker/turns.ts',
        find: 'const perSecond = 20\n',
        replace: 'const perSecond = 20_000\n',
        test: outage,
        name: 'after an outage hundreds come at once and are sent 20 a second',
      },
      {
        what: 'those who come together go together when a provider is just back',
        file: 'src/broker/turns.ts',
        find: '      oneByOneUntil = monotonic() + oneByOneMs\n',
        replace: '      oneByOneUntil = monotonic() + 0 * oneByOneMs\n',
        test: 'src/broker/turns.test.ts',
        name: 'after an outage of the provider nobody goes together with another',
      },
      {
        what: 'renewals that nobody waits for go before callers',
        file: 'src/broker/refresh.ts',
        find: 'endsAt: usable.endsAt ?? -Infinity, awaited }',
        replace: 'endsAt: usable.endsAt ?? -Infinity, awaited: () => awaited() || true }',
        test: outage,
        name: 'then callers go before renewals that nobody waits for',
      },
      {
        what: 'who was turned away begins at the end of the queue',
        file: 'src/broker/refresh.ts',
        find: 'const need = needs.get(key) ?? {',
        replace: 'const need = {',
        test: outage,
        name: 'then callers go before renewals that nobody waits for',
      },
      {
        what: 'a queue of renewals grows without end',
        file: 'src/broker/turns.ts',
        find: 'if (queue.length * meanGapMs > longestMs)',
        replace: 'if (queue.length * meanGapMs > longestMs * 1_000)',
        test: 'src/broker/turns.test.ts',
        name: 'a queue is as long as its last may wait',
      },
      {
        what: 'connections that were made together are renewed together',
        file: 'src/broker/renewal-window.ts',
        find: 'lifetimeSeconds / 2.4) * (0.8 + 0.4 * place)',
        replace: 'lifetimeSeconds / 2.4) * (0.8 + 0 * place)',
        test: 'src/broker/renewal-window.test.ts',
        name: 'a thousand connections that were made together do not renew in the same second',
      },
      {
        what: 'a 429 holds back nobody else',
        file: 'src/broker/refresh.ts',
        find: 'pauseSeconds: status === 429 ? retryAfterSeconds : null',
        replace: 'pauseSeconds: null',
        test: outage,
        name: 'a 429 with Retry-After keeps every connection of the service away for so long',
      },
      {
        what: 'a failure counts as a reason to authorise anew',
        file: 'src/broker/refresh.ts',
        find: "  if (refusal.kind === 'revoked') {\n",
        replace: "  if (refusal.kind === 'revoked' || refusal.kind === 'down') {\n",
        test: outage,
        name: 'flapping: no connection is given up, whatever the mixture',
      },
      {
        what: 'a provider’s Retry-After is shorter than the service’s own spacing',
        file: 'src/broker/refresh.ts',
        find: 'backOffSeconds(row.fail_count, chanceOf(broker)), spacing)',
        replace: 'backOffSeconds(row.fail_count, chanceOf(broker)), 0)',
        test: outage,
        name: 'a service that wants its refreshes apart is asked at its own pace',
      },
    ],
  },
]
