"""The parts of a crawl: what a site allows, fetching without harm, a page's text, and the files that are kept."""
