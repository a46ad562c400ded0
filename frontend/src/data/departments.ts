// Departments: the English names of the provincial bodies that every province of Viet Nam has.

const FULL: Record<string, string> = {
  'Văn phòng UBND tỉnh': 'PPC Office',
  'Sở Kế hoạch và Đầu tư': 'Dept of Planning & Investment',
  'Sở Tài chính': 'Dept of Finance',
  'Sở Nội vụ': 'Dept of Home Affairs',
  'Sở Tư pháp': 'Dept of Justice',
  'Sở Tài nguyên và Môi trường': 'Dept of Environment',
  'Sở Nông nghiệp và Phát triển nông thôn': 'Dept of Agriculture',
  'Sở Công Thương': 'Dept of Industry & Trade',
  'Sở Giao thông vận tải - Xây dựng': 'Dept of Transport & Construction',
  'Sở Giáo dục và Đào tạo': 'Dept of Education',
  'Sở Y tế': 'Dept of Health',
  'Sở Thông tin và Truyền thông': 'Dept of Information',
  'Sở Lao động - Thương binh và Xã hội': 'Dept of Labour',
  'Sở Văn hóa và Thể thao': 'Dept of Culture & Sport',
  'Sở Du lịch': 'Dept of Tourism',
  'Sở Khoa học và Công nghệ': 'Dept of Science & Technology',
  'Sở Ngoại vụ': 'Dept of Foreign Affairs',
  'Thanh tra tỉnh': 'Provincial Inspectorate',
  'Ban Dân tộc tỉnh': 'Ethnic Affairs Board',
  'Ban Quản lý Khu kinh tế': 'Economic Zone Authority',
  'Ban Quản lý Khu kinh tế tỉnh': 'Economic Zone Authority',
  'Cục Thuế tỉnh': 'Provincial tax office',
};
const SHORT: Record<string, string> = {
  'VP UBND tỉnh': 'Văn phòng UBND tỉnh', 'Sở KH&ĐT': 'Sở Kế hoạch và Đầu tư', 'Sở TN&MT': 'Sở Tài nguyên và Môi trường',
  'Sở NN&PTNT': 'Sở Nông nghiệp và Phát triển nông thôn', 'Sở GTVT-XD': 'Sở Giao thông vận tải - Xây dựng', 'Sở GD&ĐT': 'Sở Giáo dục và Đào tạo',
  'Sở TT&TT': 'Sở Thông tin và Truyền thông', 'Sở LĐTB&XH': 'Sở Lao động - Thương binh và Xã hội', 'Sở VH&TT': 'Sở Văn hóa và Thể thao',
  'Sở KH&CN': 'Sở Khoa học và Công nghệ', 'Ban Dân tộc': 'Ban Dân tộc tỉnh', 'BQL Khu kinh tế': 'Ban Quản lý Khu kinh tế',
};

/** The English name of a provincial body by its full or short Vietnamese name. */
export function departmentInEnglish(vietnamese: string): string | undefined {
  return FULL[vietnamese] ?? FULL[SHORT[vietnamese] ?? ''];
}
