import { useEffect, type RefObject } from 'react'

/** After a refusal the first wrong box has the focus. */
export const useFocusFirstError = (form: RefObject<HTMLElement | null>, refusal: unknown): void => {
  useEffect(() => {
    if (refusal === null) return
    form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus()
  }, [form, refusal])
}
