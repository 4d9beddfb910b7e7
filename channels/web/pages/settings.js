window.frontdeskSettings = { locale: document.documentElement.lang, position: "right", darkMode: "auto", showPopoutButton: true };
