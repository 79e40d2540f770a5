// The editor's own words in the reader's language; a word that is missing stays English.

const JA = {
  Find: "検索", Replace: "置換", next: "次へ", previous: "前へ", all: "すべて選択",
  "match case": "大文字と小文字を区別", regexp: "正規表現", "by word": "単語単位",
  replace: "置換", "replace all": "すべて置換", close: "閉じる",
  "No diagnostics": "問題はありません", Diagnostics: "問題", "Go to line": "行へ移動", go: "移動",
};

export function phrases(language) {
  return language === "ja" ? JA : {};
}
