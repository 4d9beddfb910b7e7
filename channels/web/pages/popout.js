window.frontdeskSettings = { locale: document.documentElement.lang, page: true };
