// Copy buttons, and live parts that rest while nobody looks. Pages work without it.
"use strict";

document.documentElement.classList.add("js");

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-copy]");
  if (!button) return;
  const source = document.getElementById(button.dataset.copy);
  const word = button.querySelector("[data-said]");
  const say = (text) => { word.textContent = document.getElementById("said").textContent = text; };
  try {
    await navigator.clipboard.writeText(source.dataset.text ?? source.textContent);
    say("Copied");
  } catch {
    // Browsers lend the clipboard to https and localhost alone: mark the text, so that Ctrl+C takes it.
    getSelection().selectAllChildren(source);
    say("Press Ctrl+C");
  }
  setTimeout(() => { say(""); word.textContent = "Copy"; }, 2500);
});

document.addEventListener("htmx:beforeRequest", (event) => {
  if (document.hidden && event.detail.requestConfig.verb === "get") event.preventDefault();
});
