import type { FunctionDoor } from '../core/function.ts'
import { nobody, type Principal } from '../core/principal.ts'
import type { Asker } from '../sandbox/turns.ts'

/**
 * Who takes turns for a thread: the person it is done for, so that a key which acts for many is not one of them. What runs without a person
 * is its owner's, apart from the owner's own runs and by its door: a flood of public calls holds up no schedule.
 */
export const askerOf = ({ organizationId, userId, subjectId }: Principal, door?: FunctionDoor): Asker => ({
  organizationId,
  principalId: subjectId === nobody ? `${door ?? 'nobody'} ${userId}` : subjectId,
})
