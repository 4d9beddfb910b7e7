// Building elements without a framework.
function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "class") node.className = value;
    else if (name === "html") node.innerHTML = value; // only what the server rendered and sanitised
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value != null) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child != null && child !== false));
  return node;
}

const ICONS = {
  chat: "M4 5h16v11H9l-5 4z", close: "M6 6l12 12M18 6L6 18", send: "M4 12l16-8-6 16-3-7z",
  attach: "M8 12l6-6a3 3 0 0 1 4 4l-8 8a5 5 0 0 1-7-7l7-7", mic: "M12 3a3 3 0 0 1 3 3v6a3 3 0 0 1-6 0V6a3 3 0 0 1 3-3zM6 11a6 6 0 0 0 12 0M12 17v4",
  soundOn: "M4 9v6h4l5 4V5L8 9zM16 9a4 4 0 0 1 0 6", soundOff: "M4 9v6h4l5 4V5L8 9zM16 10l5 5M21 10l-5 5",
  popout: "M10 5H5v14h14v-5M14 4h6v6M20 4l-9 9", up: "M7 11v9H4v-9zM7 11l4-7c2 0 2 2 1.500 6H19l-1.500 10H7", down: "M7 13V4H4v9zM7 13l4 7c2 0 2-2 1.500-6H19L17.500 4H7",
  file: "M6 3h8l4 4v14H6zM14 3v4h4",
};

function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(svg.namespaceURI, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

function iconButton(name, label, onclick, extra = {}) {
  return element("button", { type: "button", class: `icon ${name}`, "aria-label": label, title: label, onclick, ...extra }, icon(name));
}

function relabel(button, label, name) {
  button.setAttribute("aria-label", label);
  button.title = label;
  if (name) button.replaceChildren(icon(name));
}
