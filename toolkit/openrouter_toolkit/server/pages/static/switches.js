// Switches that don't load the page anew. Where that fails, the form is sent as it would be without script.

const status = document.querySelector(".messages");

for (const form of document.querySelectorAll("[data-switch]")) {
  const button = form.querySelector("button");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (form.getAttribute("aria-busy") === "true") {
      return;
    }
    form.setAttribute("aria-busy", "true");
    const on = form.elements.to.value === "on";
    try {
      const answer = await fetch(form.action, {
        method: "POST",
        body: new URLSearchParams(new FormData(form)),
        headers: { Accept: "application/json" },
        redirect: "manual",
      });
      if (answer.status !== 204) {
        throw new Error(`status ${answer.status}`);
      }
    } catch {
      form.submit();
      return;
    }
    button.setAttribute("aria-checked", String(on));
    button.querySelector("b").textContent = on ? "On" : "Off";
    form.elements.to.value = on ? "off" : "on";
    form.removeAttribute("aria-busy");
    status.replaceChildren();
    const told = document.createElement("span");
    told.className = "unseen";
    told.textContent = `${button.getAttribute("aria-label")} is ${on ? "on" : "off"}.`;
    status.append(told);
  });
}
