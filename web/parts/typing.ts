/** Whether a key belongs to what is being typed or to a dialog. */
export const isTyping = (event: KeyboardEvent): boolean => {
  const target = event.target instanceof HTMLElement ? event.target : null
  return (
    event.defaultPrevented ||
    event.ctrlKey ||
    event.metaKey ||
    event.altKey ||
    target?.isContentEditable === true ||
    target?.closest('input, textarea, select, [role="dialog"], [role="menu"], [role="listbox"]') != null
  )
}
