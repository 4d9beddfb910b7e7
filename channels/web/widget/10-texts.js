// The widget's own words. What the bot says comes from the server.
const TEXTS = {
  en: {
    launcher: "Chat with us", close: "Close chat", title: "Chat", placeholder: "Write a message…", send: "Send",
    attach: "Attach a file or picture", record: "Record a voice message", stop: "Send recording", cancel: "Cancel",
    recording: "Recording", soundOn: "Turn sound on", soundOff: "Turn sound off", popout: "Open in a window",
    offline: "You are offline. What you write is sent when the connection is back.",
    connecting: "Connecting…", typing: "{name} is typing", you: "You", person: "Our team", system: "Notice",
    sending: "Sending…", waiting: "Waiting for connection", sent: "Sent", failed: "Not sent",
    heard: "I heard: {text}", sources: "Sources", openSource: "Open the source: {title}", remove: "Remove {name}",
    unread: "{n} new messages", yes: "This helped", no: "This did not help", feedbackThanks: "Thank you",
    tooLarge: "{name} is too large. The limit is {limit} MB.", uploadFailed: "{name} could not be sent: {why}",
    tooLong: "That message is too long ({n} of {limit} characters).", drop: "Drop to send",
    insecure: "The microphone needs HTTPS or localhost.", noMicrophone: "The microphone cannot be used: {why}",
    people: "Our team has this conversation. Someone will reply here.", bot: "You are talking with {name} again.",
    resolved: "This conversation is closed. Write to open it again.", sound: "Voice message",
    edited: "Edited", deleted: "This message was taken back.",
  },
  zh: {
    launcher: "在线咨询", close: "关闭聊天", title: "在线咨询", placeholder: "请输入消息…", send: "发送",
    attach: "添加文件或图片", record: "录制语音", stop: "发送录音", cancel: "取消",
    recording: "正在录音", soundOn: "打开提示音", soundOff: "关闭提示音", popout: "在新窗口打开",
    offline: "您已离线。连接恢复后，您写的内容会自动发送。",
    connecting: "正在连接…", typing: "{name} 正在输入", you: "您", person: "人工客服", system: "提示",
    sending: "正在发送…", waiting: "等待连接", sent: "已发送", failed: "未发送",
    heard: "我听到的是：{text}", sources: "来源", openSource: "打开来源：{title}", remove: "移除 {name}",
    unread: "{n} 条新消息", yes: "有帮助", no: "没有帮助", feedbackThanks: "谢谢",
    tooLarge: "{name} 太大，上限为 {limit} MB。", uploadFailed: "{name} 未能发送：{why}",
    tooLong: "消息太长（{n}/{limit} 字）。", drop: "松开即可发送",
    insecure: "麦克风需要 HTTPS 或 localhost。", noMicrophone: "无法使用麦克风：{why}",
    people: "此对话已转给人工客服，我们会在这里回复您。", bot: "现在由 {name} 继续为您服务。",
    resolved: "此对话已结束，再次留言即可重新打开。", sound: "语音消息",
    edited: "已编辑", deleted: "此消息已撤回。",
  },
};
const RIGHT_TO_LEFT = /^(ar|he|fa|ur)\b/;

// A text in the locale's language (English where there is none), with {values} filled in.
function textIn(locale, key, values = {}) {
  const language = (locale || "en").toLowerCase().split(/[-_]/)[0];
  const text = (TEXTS[language] || TEXTS.en)[key] || TEXTS.en[key];
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}
