// Small conveniences on every page. Without script, all pages work the same.

// A form that takes its time says so, and is not sent twice.
for (const form of document.querySelectorAll("form[data-busy]")) {
  let button, words;
  form.addEventListener("submit", (event) => {
    if (form.getAttribute("aria-busy") === "true") {
      event.preventDefault();
      return;
    }
    form.setAttribute("aria-busy", "true");
    button = event.submitter ?? form.querySelector("button:not([type=button])");
    words = button.innerHTML;
    button.textContent = button.dataset.busy ?? form.dataset.busy;
  });
  // The back button may bring the page as it was left.
  window.addEventListener("pageshow", (event) => {
    if (event.persisted && button) {
      form.removeAttribute("aria-busy");
      button.innerHTML = words;
    }
  });
}

// A message is for this once: reloading the page does not repeat it.
if (document.querySelector(".message") && location.search) {
  const address = new URL(location);
  for (const name of ["status", "connected_account_id", "left_out", "repeated", "done", "about", "at", "seal"]) {
    address.searchParams.delete(name);
  }
  history.replaceState(history.state, "", address);
}

// What is there to be copied is selected at once.
for (const field of document.querySelectorAll("[data-select]")) {
  field.addEventListener("focus", () => field.select());
}

// What is copied by a button. Browsers have a clipboard for pages under https and on this machine.
for (const button of document.querySelectorAll("[data-copy]")) {
  if (navigator.clipboard) {
    const words = button.innerHTML;
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(button.dataset.copy);
      button.textContent = "Copied";
      setTimeout(() => (button.innerHTML = words), 2000);
    });
  }
}
