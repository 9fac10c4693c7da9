import { inspect } from 'node:util'

/**
 * A value that must not be seen. Printing, logging, serialising or inspecting it shows `[secret]`;
 * only `expose()` gives the value, so every place that does can be found by that name.
 */
export class Secret<T = string> {
  readonly #value: T

  constructor(value: T) {
    this.#value = value
  }

  expose(): T {
    return this.#value
  }

  toString(): string {
    return '[secret]'
  }

  toJSON(): string {
    return '[secret]'
  }

  [inspect.custom](): string {
    return '[secret]'
  }
}
