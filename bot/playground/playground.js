// What Discord has and SimCord's page has not: files with a message, the menu of a message, and other channels.
const capability = location.hash.slice(1);
const form = document.getElementById("channel-composer");
const row = form.querySelector(".composer-row");
const list = document.getElementById("channel-message-list");
const status = document.getElementById("action-status");
let chosen = []; // files that wait to be sent
let menus = null; // names of what can be done with a message
let busy = false;

function make(tag, className, text = "") {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}

async function act(body, files = []) {
  const data = new FormData();
  data.append("payload", JSON.stringify({ values: {}, ...body }));
  for (const file of files) data.append("file:files", file, file.name);
  const response = await fetch("/api/action", {
    method: "POST",
    headers: { "X-Simcord-Capability": capability, "X-Simcord-Context": window.simcordPreview.contextId },
    body: data,
  });
  if (response.status === 413) throw new Error("Ten files of 10 MB each, and 25 MB together, is the most.");
  if (!response.ok) throw new Error("The page has lost its bot. Reload it.");
  const result = await response.json();
  if (result.error) throw new Error(result.error);
  return result;
}

async function doing(what, work) {
  if (busy) return;
  busy = true;
  status.textContent = what;
  try {
    await work();
    status.textContent = "";
  } catch (error) {
    status.textContent = error.message;
  }
  busy = false;
}

// Files ------------------------------------------------------------------------------------------------------------

const picker = make("input", "");
Object.assign(picker, { type: "file", multiple: true, hidden: true, id: "attach-files" });
const attach = make("button", "attach-button", "+");
Object.assign(attach, { type: "button", title: "Attach files: MIDI, MusicXML, ABC, Humdrum, a hum" });
attach.setAttribute("aria-label", "Attach files");
attach.addEventListener("click", () => picker.click());
const waiting = make("ul", "chosen-files");
row.prepend(attach, picker);
form.prepend(waiting);

function choose(files) {
  chosen = [...chosen, ...files].slice(0, 10);
  waiting.replaceChildren(...chosen.map((file) => {
    const item = make("li", "chosen-file", file.name);
    const remove = make("button", "", "×");
    remove.type = "button";
    remove.setAttribute("aria-label", `Leave out ${file.name}`);
    remove.addEventListener("click", () => {
      const others = chosen.filter((other) => other !== file);
      chosen = [];
      choose(others);
    });
    item.append(remove);
    return item;
  }));
  document.getElementById("channel-composer-input")?.focus();
}

picker.addEventListener("change", () => {
  choose(picker.files);
  picker.value = "";
});
const stage = document.getElementById("preview-stage");
stage.addEventListener("dragover", (event) => event.preventDefault());
stage.addEventListener("drop", (event) => {
  event.preventDefault();
  choose(event.dataTransfer.files);
});

document.addEventListener("submit", (event) => {
  const input = document.getElementById("channel-composer-input");
  if (event.target !== form || !chosen.length || !(input instanceof HTMLTextAreaElement)) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  void doing("Sending…", async () => {
    await act({ kind: "say", text: input.value }, chosen);
    chosen = [];
    choose([]);
    input.value = "";
    input.dispatchEvent(new Event("input", { bubbles: true }));
  });
}, true);

// Menus ------------------------------------------------------------------------------------------------------------

function close() {
  document.querySelector(".apps-menu")?.remove();
}

async function open(button, message) {
  close();
  menus ??= (await act({ kind: "menus" })).menus;
  const menu = make("div", "apps-menu");
  menu.setAttribute("role", "menu");
  menu.append(...menus.map((name) => {
    const item = make("button", "", name);
    item.type = "button";
    item.setAttribute("role", "menuitem");
    item.addEventListener("click", () => {
      close();
      void doing(`${name}…`, () => act({ kind: "menu", message, name }));
    });
    return item;
  }));
  button.after(menu);
  menu.firstElementChild?.focus();
}

function dress() {
  for (const message of list.querySelectorAll(".channel-message[data-message-id]")) {
    if (message.querySelector(".apps-button")) continue;
    const holder = make("div", "apps");
    const button = make("button", "apps-button", "Apps");
    button.type = "button";
    button.setAttribute("aria-haspopup", "menu");
    button.title = "What Cadenza can do with this message";
    button.addEventListener("click", (event) => {
      event.stopPropagation();
      open(button, message.dataset.messageId).catch((error) => { status.textContent = error.message; });
    });
    holder.append(button);
    message.append(holder);
  }
}

// Channels ----------------------------------------------------------------------------------------------------------

const channels = make("nav", "channels");
channels.setAttribute("aria-label", "Channels and threads");
document.querySelector(".channel-header").append(channels);
let places = [];
let looking = 0;

async function enter(place) {
  await act({ kind: "enter", channel: place.id });
  await look();
}

async function look() {
  const found = await act({ kind: "channels" });
  places = found.channels;
  channels.hidden = places.length < 2;
  channels.replaceChildren(...places.map((place) => {
    const button = make("button", "channel-button", (place.thread ? "🧵 " : "# ") + place.name);
    button.type = "button";
    button.setAttribute("aria-current", String(place.id === found.shown));
    button.addEventListener("click", () => void doing("", () => enter(place)));
    return button;
  }));
}

function lookSoon() {
  clearTimeout(looking);
  looking = setTimeout(() => look().catch(() => {}), 300);
}

list.addEventListener("click", (event) => {
  const mention = event.target instanceof Element ? event.target.closest(".mention") : null;
  const place = mention && places.find((each) => `#${each.name}` === mention.textContent);
  if (place) void doing("", () => enter(place));
});
new MutationObserver(lookSoon).observe(list, { childList: true });
lookSoon();

document.addEventListener("click", close);
document.addEventListener("keydown", (event) => { if (event.key === "Escape") close(); });
new MutationObserver(dress).observe(list, { childList: true, subtree: true });
dress();
