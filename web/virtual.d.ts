declare module 'virtual:logos' {
  /** Drawings of 24 × 24; `colour` is null where it would not show. */
  export const logos: Readonly<Record<string, { readonly path: string; readonly colour: string | null }>>
}
