/** A change of a source file. */
export interface Edit {
  /** From the root of the repository. */
  readonly file: string
  /** Text that occurs exactly once in it; several lines are fine. */
  readonly find: string
  readonly replace: string
}

/** A defence switched off: an edit, and the test that does not pass any more once it is made. */
export interface Mutant extends Edit {
  /** What the product does with the edit, said as a fault: "any host is allowed". */
  readonly what: string
  /** Where the same defence stands in more than one place: the other edits that belong to it. */
  readonly also?: readonly Edit[]
  /** The test file that must fail, from the root of the repository. */
  readonly test: string
  /** A part of that test's title as it is written in the file, so without what `%s` stands for. */
  readonly name: string
  /** Where stories run on two databases one is enough to prove it: the embedded one unless this says otherwise. */
  readonly on?: 'postgres'
}

/** One attack, or one fault that must do no harm, with what is done against it and the proof that this is tested. */
export interface Attack {
  /** X01 … X25 for attacks, R1 … for what must hold when things break. */
  readonly id: string
  /** What somebody tries, or what happens. */
  readonly attack: string
  /** What Patchbay does about it: sentences, for people who read docs/attacks.md. */
  readonly defence: readonly string[]
  readonly mutants: readonly Mutant[]
}
